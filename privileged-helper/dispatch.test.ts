import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type Action, actions, type MethodName, methods } from "./contract/methods.ts";
import { ProblemError } from "./contract/problems.ts";
import { type CallContext, createDispatch, type Handlers } from "./dispatch.ts";
import { examples } from "./testing/requests.ts";

const never = new AbortController().signal;

const names = Object.keys(examples) as MethodName[];

function world(allow: (action: string) => boolean = () => true) {
  const handler = vi.fn((..._args: unknown[]): unknown => ({}));
  const handlers = Object.fromEntries(names.map((name) => [name, handler])) as unknown as Handlers;
  const log = vi.fn();
  const authorize = vi.fn(async (action: string) => {
    if (!allow(action)) throw new ProblemError({ code: "auth-denied", action });
  });
  return { handler, log, authorize, dispatch: createDispatch(handlers, authorize, log) };
}

describe("dispatch", () => {
  it("knows an action of the closed list for every method", () => {
    for (const name of Object.keys(methods) as MethodName[]) expect(actions).toContain(methods[name].action);
  });

  it.each(names)("runs %s for a caller with its action, and for no other", async (name) => {
    const allowed = world((action) => action === methods[name].action);
    await allowed.dispatch(name, examples[name], never);
    expect(allowed.handler).toHaveBeenCalledTimes(1);

    const denied = world((action) => action !== methods[name].action);
    await expect(denied.dispatch(name, examples[name], never)).rejects.toMatchObject({
      problem: { code: "auth-denied", action: methods[name].action },
    });
    expect(denied.handler).not.toHaveBeenCalled();
  });

  it.each(names)("refuses %s with an unknown key, before it asks for any right", async (name) => {
    for (const key of ["uid", "pid", "constructor", "toString", "__proto__"]) {
      const { dispatch, handler, authorize } = world();
      const params = JSON.parse(`{${JSON.stringify(key)}:1,${JSON.stringify(examples[name]).slice(1)}`.replace(",}", "}"));
      await expect(dispatch(name, params, never)).rejects.toMatchObject({ problem: { code: "invalid-request" } });
      expect(handler).not.toHaveBeenCalled();
      expect(authorize).not.toHaveBeenCalled();
    }
  });

  it.each(["", "nothing", "constructor", "__proto__", "hasOwnProperty", "containers.watch "])(
    "refuses the unknown method %j",
    async (method) => {
      const { dispatch, log } = world();
      await expect(dispatch(method, {}, never)).rejects.toMatchObject({ problem: { code: "invalid-request" } });
      expect(log).toHaveBeenCalledWith("refused", expect.objectContaining({ why: "unknown method" }));
    },
  );

  it("answers anything at all as parameters with invalid-request or the handler, never with a crash", async () => {
    const { dispatch } = world();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.jsonValue(), async (name, params) => {
        try {
          await dispatch(name, params, never);
        } catch (error) {
          expect(error).toBeInstanceOf(ProblemError);
          expect((error as ProblemError).problem.code).toBe("invalid-request");
        }
      }),
      { numRuns: 500 },
    );
  });

  it("hands the handler what it authorised, frozen", async () => {
    const { dispatch, handler } = world();
    const params = structuredClone(examples["containers.create"]) as { source: object };
    await dispatch("containers.create", params, never);
    const given = handler.mock.calls[0]?.[0] as { source: object };
    expect(given).not.toBe(params);
    expect(Object.isFrozen(given) && Object.isFrozen(given.source)).toBe(true);
  });

  it("logs calls that change something, refusals and failures, but not every look", async () => {
    const { dispatch, log } = world();
    await dispatch("containers.start", { name: "web" }, never);
    expect(log).toHaveBeenCalledWith("done", { method: "containers.start", container: "web", right: "manage" });
    await dispatch("host.fix", { check: "bridge" }, never);
    expect(log).toHaveBeenCalledWith("done", { method: "host.fix", container: undefined, right: "host", check: "bridge" });
    log.mockClear();
    await dispatch("host.info", {}, never);
    expect(log).not.toHaveBeenCalled();
  });

  it.each(names)("marks %s with the right that it was refused, looks as well", async (name) => {
    const { dispatch, log } = world(() => false);
    await expect(dispatch(name, examples[name], never)).rejects.toThrow();
    expect(log.mock.calls).toEqual([
      ["failed", expect.objectContaining({ method: name, right: methods[name].action, problem: "auth-denied" })],
    ]);
  });

  it("marks what a look was used for with the further right, and a look that fails with none", async () => {
    const { dispatch, log, handler } = world((action) => action !== "host");
    const wants = (action: Action) => (_params: unknown, context: unknown) => (context as CallContext).authorize(action, "web");
    handler.mockImplementation(wants("create"));
    await dispatch("tasks.cancel", { task: "t1" }, never);
    expect(log).toHaveBeenLastCalledWith("done", { method: "tasks.cancel", container: "web", right: "create" });
    handler.mockImplementation(wants("host"));
    await expect(dispatch("containers.start", { name: "web" }, never)).rejects.toThrow();
    expect(log).toHaveBeenLastCalledWith("failed", expect.objectContaining({ container: "web", right: "host", problem: "auth-denied" }));
    handler.mockRejectedValue(new ProblemError({ code: "not-found", what: "web" }));
    await expect(dispatch("containers.configuration", { name: "web" }, never)).rejects.toThrow();
    expect(log).toHaveBeenLastCalledWith("failed", expect.objectContaining({ right: undefined, problem: "not-found" }));
  });
});

describe("names in requests", () => {
  const nasty = [
    "../../etc",
    "-P/tmp",
    "--help",
    "a/b",
    ".",
    "..",
    "",
    "a".repeat(64),
    "x';touch /tmp/p;'",
    "a#e;s/x/id/",
    "a\nlxc.hook.start=/x",
    "a\0",
    "a\u202eb",
    "ａ",
    "😀",
    "a b",
    "$(id)",
    "a\r",
    "a\u2028b",
    "*",
    "~",
    "a:b",
    "a,b",
    "a\\b",
    '"a"',
  ];

  it.each(nasty)("%j is refused for new and for existing containers", async (name) => {
    const { dispatch, handler } = world();
    const create = examples["containers.create"];
    for (const [method, params] of [
      ["containers.create", { ...create, name }],
      ["containers.create", { ...create, source: { type: "clone", from: name } }],
      ["containers.start", { name }],
      ["containers.destroy", { name }],
      ["metrics.watch", { containers: [name], intervalMilliseconds: 1000 }],
    ] as const) {
      await expect(dispatch(method, params, never)).rejects.toMatchObject({ problem: { code: "invalid-request" } });
    }
    expect(handler).not.toHaveBeenCalled();
  });

  it.each(["123", "Web", "a.b", "a_b", "web-", "-web"])("%j is refused for a new container", async (name) => {
    const { dispatch } = world();
    await expect(dispatch("containers.create", { ...examples["containers.create"], name }, never)).rejects.toMatchObject({
      problem: { code: "invalid-request" },
    });
  });

  it.each(["Web", "a.b", "a_b", "123", "web-1"])("%j is accepted for one that exists", async (name) => {
    const { dispatch, handler } = world();
    await dispatch("containers.start", { name }, never);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it.each(["$(id)", "; id", "--", "-h", "a b", "bookworm\n", "`id`", "a*", ""])(
    "%j is refused as a template, an option and a value",
    async (value) => {
      const { dispatch } = world();
      const create = examples["containers.create"];
      for (const source of [
        { type: "template", template: "debian", options: { release: value } },
        { type: "template", template: "debian", options: { packages: ["curl", value] } },
        { type: "template", template: "debian", options: { [value]: "a" } },
        { type: "template", template: "debian", release: "trixie" },
        { type: "template", template: value },
      ]) {
        await expect(dispatch("containers.create", { ...create, source }, never)).rejects.toMatchObject({
          problem: { code: "invalid-request" },
        });
      }
    },
  );

  it.each(["../../x", "snap0;id", "snap", "snap-1", "Snap0", "snap0\n", " snap0", "snap1234567", ""])(
    "%j is no snapshot",
    async (snapshot) => {
      const { dispatch, handler } = world();
      const source = { type: "clone", from: "web", snapshot };
      for (const [method, params] of [
        ["containers.create", { ...examples["containers.create"], source }],
        ["containers.try", { source }],
        ["containers.preview", { ...examples["containers.preview"], source }],
      ] as const) {
        await expect(dispatch(method, params, never)).rejects.toMatchObject({ problem: { code: "invalid-request" } });
      }
      expect(handler).not.toHaveBeenCalled();
    },
  );

  it.each(["lxcbr0;id", "lxcbr0 ", "a".repeat(16), "../lo", "-x", "br0\n", "br0\u0000", "$(id)", ""])("%j is no bridge", async (bridge) => {
    const { dispatch, handler } = world();
    const network = { type: "bridge", bridge };
    for (const method of ["containers.create", "containers.preview"] as const) {
      await expect(dispatch(method, { ...examples[method], network }, never)).rejects.toMatchObject({
        problem: { code: "invalid-request" },
      });
    }
    expect(handler).not.toHaveBeenCalled();
  });

  it.each(["", "bridge ", "../bridge", "__proto__", "constructor", "--help"])("%j is no check that could be mended", async (check) => {
    const { dispatch, handler, authorize } = world();
    await expect(dispatch("host.fix", { check }, never)).rejects.toMatchObject({ problem: { code: "invalid-request" } });
    expect(authorize).not.toHaveBeenCalled();
    expect(handler).not.toHaveBeenCalled();
  });

  it("ten megabytes of name are refused as quickly as one", async () => {
    const { dispatch } = world();
    await expect(dispatch("containers.start", { name: "a".repeat(10_000_000) }, never)).rejects.toMatchObject({
      problem: { code: "invalid-request" },
    });
  });
});
