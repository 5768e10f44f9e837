import { expect, it } from "vitest";
import { followRevisions } from "./revisions.ts";

type Snapshot = { revision: number; all: string[] };
type Change = { revision: number; added: string };

it("applies changes whose revisions count on from the snapshot", async () => {
  const list = follow([{ revision: 4, all: ["a"] }]);
  await list.start();
  list.onChange({ revision: 5, added: "b" });
  list.onChange({ revision: 6, added: "c" });
  expect(list.shown()).toEqual(["a", "b", "c"]);
  expect(list.asked()).toBe(1);
});

it("asks again where a revision is missing, and shows what the answer says", async () => {
  const list = follow([
    { revision: 1, all: ["a"] },
    { revision: 3, all: ["a", "b", "c"] },
  ]);
  await list.start();
  list.onChange({ revision: 3, added: "c" });
  await settled();
  expect(list.shown()).toEqual(["a", "b", "c"]);
  list.onChange({ revision: 4, added: "d" });
  expect(list.shown()).toEqual(["a", "b", "c", "d"]);
});

it("passes over a change that the snapshot holds already, and applies one that came before its answer", async () => {
  const list = follow([{ revision: 7, all: ["a"] }]);
  const started = list.start();
  list.onChange({ revision: 7, added: "a" });
  list.onChange({ revision: 8, added: "b" });
  await started;
  expect(list.shown()).toEqual(["a", "b"]);
  expect(list.asked()).toBe(1);
});

it("asks once more where one is missing among those that came before the answer", async () => {
  const list = follow([
    { revision: 1, all: ["a"] },
    { revision: 4, all: ["a", "b", "c", "d"] },
  ]);
  const started = list.start();
  list.onChange({ revision: 3, added: "c" });
  list.onChange({ revision: 4, added: "d" });
  await started;
  await settled();
  expect(list.shown()).toEqual(["a", "b", "c", "d"]);
  expect(list.asked()).toBe(2);
});

it("counts from the beginning where the other side was replaced", async () => {
  const list = follow([
    { revision: 90, all: ["a"] },
    { revision: 1, all: ["b"] },
  ]);
  await list.start();
  list.onChange({ revision: 1, added: "b" });
  await settled();
  expect(list.shown()).toEqual(["b"]);
});

it("does nothing more once it is stopped, not even with an answer that is under way", async () => {
  const list = follow([{ revision: 1, all: ["a"] }]);
  const started = list.start();
  list.stop();
  await started;
  list.onChange({ revision: 2, added: "b" });
  expect(list.shown()).toEqual([]);
});

it("can be started again after a snapshot was refused", async () => {
  const list = follow([undefined, { revision: 2, all: ["a"] }]);
  await list.start();
  expect(list.shown()).toEqual([]);
  await list.start();
  expect(list.shown()).toEqual(["a"]);
});

/** @param answers What each question gets; undefined is a refusal. */
function follow(answers: (Snapshot | undefined)[]) {
  let shown: string[] = [];
  let asked = 0;
  const followed = followRevisions<Snapshot, Change>({
    async ask() {
      const answer = answers[asked++];
      if (!answer) throw new Error("refused");
      return answer;
    },
    replace({ all }) {
      shown = all;
    },
    apply({ added }) {
      shown = [...shown, added];
    },
  });
  return { ...followed, shown: () => shown, asked: () => asked };
}

async function settled() {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
