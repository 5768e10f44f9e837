import { expect, it } from "vitest";
import type { Container, ContainerState, TaskKind } from "../../../privileged-helper/contract/model.ts";
import { sampleContainer } from "../../../privileged-helper/contract/testing/sample-container.ts";
import { actionsFor, reasonAgainst } from "./actions.ts";

const container = (state: ContainerState, more: Partial<Container> = {}) => sampleContainer("web", { state, ...more });
const possible = (subject: Container) => actionsFor(subject).filter((action) => reasonAgainst(action, subject) === undefined);

it.each([
  ["stopped", ["start", "try", "clone", "save-image", "destroy"]],
  ["starting", ["stop", "force-stop", "destroy"]],
  ["running", ["stop", "restart", "freeze", "force-stop", "clone", "destroy"]],
  ["frozen", ["stop", "unfreeze", "force-stop", "clone", "destroy"]],
  ["stopping", ["force-stop", "destroy"]],
  ["error", ["destroy"]],
] as const)("a container that is %s can be asked for %j", (state, expected) => {
  expect(possible(container(state))).toEqual(expected);
});

it("while something works on a container, it can be stopped by force, and asked for what may wait", () => {
  const during = (state: ContainerState, kind: TaskKind) => possible(container(state, { operation: { task: "1", kind } }));
  expect(during("running", "freeze")).toEqual(["force-stop"]);
  expect(during("starting", "start")).toEqual(["force-stop"]);
  expect(during("stopping", "stop")).toEqual(["force-stop", "destroy"]);
  expect(during("stopped", "create")).toEqual(["start"]);
  expect(during("error", "clone")).toEqual(["start"]);
  expect(during("stopped", "destroy")).toEqual([]);
});

it("a throw-away container can be kept, and is not tried itself", () => {
  expect(possible(container("running", { throwAway: true }))).toEqual([
    "stop",
    "restart",
    "freeze",
    "force-stop",
    "keep",
    "clone",
    "destroy",
  ]);
});

it("a container whose name is unsafe is only shown, and the reason is its own", () => {
  const unsafe = container("stopped", { name: "a b", manageable: false, note: "Its name is unsafe." });
  expect(possible(unsafe)).toEqual([]);
  expect(reasonAgainst("start", unsafe)).toBe("Its name is unsafe.");
});
