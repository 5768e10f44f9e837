import { beforeEach, describe, expect, it } from "vitest";
import type { HistoryEvent } from "../../../privileged-helper/contract/history.ts";
import type { Container, RunEnd, TaskKind } from "../../../privileged-helper/contract/model.ts";
import { sampleContainer } from "../../../privileged-helper/contract/testing/sample-container.ts";
import { type ContainerEvents, createContainerEvents } from "./container-events.ts";

let told: HistoryEvent[];
let unexpected: string[];
let stopping: string[];
let events: ContainerEvents;
let now: number;
beforeEach(() => {
  told = [];
  unexpected = [];
  stopping = [];
  now = 1_000_000;
  events = createContainerEvents({
    onEvent: (event) => told.push(event),
    onEarlierStart: (event) => told.push(event),
    onUnexpectedStop: (container) => unexpected.push(container),
    isBeingStopped: (container) => stopping.includes(container),
  });
});

const stopped = (): Container => ({ ...sampleContainer("web"), state: "stopped", initPid: undefined, startedAt: undefined });
const running = (initPid = 100): Container => ({ ...sampleContainer("web"), state: "running", initPid, startedAt: 900_000 + initPid });
const during = (container: Container, kind: TaskKind): Container => ({ ...container, operation: { task: "t1", kind } });
const see = (...containers: Container[]) => {
  for (const container of containers) {
    now += 100;
    events.change([container], [], now);
  }
};
const kinds = () => told.map(({ kind }) => kind);

describe("what happened to a container", () => {
  it("is told when it is seen: started, frozen, unfrozen, stopped", () => {
    events.begin([stopped()], now);
    see(running(), { ...running(), state: "frozen" }, running(), during({ ...stopped(), state: "stopping" }, "stop"), stopped());
    expect(kinds()).toEqual(["started", "frozen", "unfrozen", "stopped"]);
    expect(unexpected).toEqual([]);
  });

  it("before anybody looked is told as far as it is known: when it was started", () => {
    events.begin([running(), { ...stopped(), name: "mail" }], now);
    expect(told).toEqual([{ time: 900_100, container: "web", kind: "started" }]);
  });

  it("is unexpected where it ended, and neither a task of ours nor a command of LXC's had it end", () => {
    events.begin([running()], now);
    see({ ...stopped(), state: "stopping" });
    expect(unexpected).toEqual([]);
    see(stopped());
    expect(unexpected).toEqual(["web"]);
    expect(told.at(-1)).toMatchObject({ kind: "stopped", detail: "Whether it shut down or failed is not known." });
  });

  it.each<[RunEnd, string | undefined, boolean]>([
    [{ signal: "SIGKILL" }, "Its first program was killed (SIGKILL).", true],
    [{ signal: "SIGSEGV" }, "Its first program was killed (SIGSEGV).", true],
    [{ exitCode: 1 }, "Its first program failed with exit code 1.", true],
    [{ signal: "SIGHUP" }, "Its first program was killed (SIGHUP).", true],
    [{ signal: "SIGINT" }, "It shut down.", false],
    [{ exitCode: 0 }, "Its first program came to its end.", false],
    [{ exitCode: 143 }, "Its first program came to its end.", false],
    [{ byLxc: true, signal: "SIGKILL" }, undefined, false],
    [{ byLxc: true }, undefined, false],
  ])("is judged by how its init ended: %j", (ended, detail, isUnexpected) => {
    events.begin([running()], now);
    see({ ...stopped(), state: "stopping" }, { ...stopped(), ended });
    expect(told.at(-1)).toMatchObject({ kind: "stopped" });
    expect(told.at(-1)?.detail).toBe(detail);
    expect(unexpected).toEqual(isUnexpected ? ["web"] : []);
  });

  it.each<TaskKind>(["stop", "force-stop", "restart", "destroy", "discard", "keep"])(
    "is expected where a task was to %s it, and has just ended",
    (kind) => {
      events.begin([running()], now);
      see(during(running(), kind), running(), stopped());
      expect(unexpected).toEqual([]);
    },
  );

  it("is expected where lxc-stop runs when it ends, and where it was only tried out", () => {
    events.begin([running()], now);
    stopping = ["web"];
    see({ ...stopped(), state: "stopping" });
    stopping = [];
    see(stopped(), running(101), { ...stopped(), throwAway: true });
    expect(kinds()).toEqual(["started", "stopped", "started", "stopped"]);
    expect(unexpected).toEqual([]);
  });

  it("is unexpected again where a task that ended it is long over", () => {
    events.begin([running()], now);
    see(during(running(), "restart"), during(stopped(), "restart"), running(101));
    now += 60_000;
    see(stopped());
    expect(unexpected).toEqual(["web"]);
  });

  it("is no stop that anybody has to hear of where init begins anew, or where it is removed", () => {
    events.begin([running()], now);
    see({ ...stopped(), state: "stopping" }, running(101));
    expect(kinds()).toEqual(["started", "stopped", "started"]);
    events.change([], ["web"], now);
    expect(kinds().at(-1)).toBe("stopped");
    expect(unexpected).toEqual([]);
  });

  it("while nobody could look is told, but is no alarm: who did it is not known", () => {
    events.begin([running()], now);
    for (const container of [stopped(), running(101)]) {
      now += 60_000;
      events.begin([container], now);
    }
    expect(kinds()).toEqual(["started", "stopped", "started"]);
    expect(unexpected).toEqual([]);
    see(stopped());
    expect(unexpected).toEqual(["web"]);
  });
});

describe("figures", () => {
  it("tell of OOM kills since they are watched, each once", () => {
    events.begin([running()], now);
    for (const oomKills of [3, 3, 5, 5, 6]) events.tick([{ name: "web", oomKills }], now);
    expect(told.slice(1).map(({ kind, detail }) => `${kind}: ${detail}`)).toEqual([
      "oom-kill: 2 processes were killed.",
      "oom-kill: A process was killed.",
    ]);
  });

  it("tell of one that was killed before the first figures came, where its start was seen; not where the counter begins anew", () => {
    events.begin([stopped()], now);
    see(running());
    events.tick([{ name: "web", oomKills: 1 }], now);
    see(stopped(), running(101));
    events.tick([{ name: "web", oomKills: 0 }], now);
    expect(kinds().filter((kind) => kind === "oom-kill")).toHaveLength(1);
  });

  it("tell of limits that are others now, and not of those with which it was started", () => {
    events.begin([stopped()], now);
    see(running());
    events.tick([{ name: "web", memoryLimitBytes: 2 ** 30, cpuLimit: 2 }], now);
    events.tick([{ name: "web", memoryLimitBytes: 2 ** 29, cpuLimit: 2 }], now);
    events.tick([{ name: "web", cpuLimit: 1.5 }], now);
    see(stopped(), running(101));
    events.tick([{ name: "web", memoryLimitBytes: 2 ** 20, cpuLimit: 2 }], now);
    expect(told.filter(({ kind }) => kind === "limit-changed").map(({ detail }) => detail)).toEqual([
      "Memory limit: 512 MiB instead of 1 GiB.",
      "CPU limit: 1.5 cores instead of 2 cores.",
      "Memory limit: none instead of 512 MiB.",
    ]);
  });
});
