import { describe, expect, it, vi } from "vitest";
import { createAuthorize, readCaller } from "./authorize.ts";
import { actions, actionsOfFullMode } from "./contract/methods.ts";
import { ProblemError } from "./contract/problems.ts";

const caller = { uid: 1000, pid: 4242, startTicks: "100" };
const never = new AbortController().signal;
const others = actions.filter((action) => !actionsOfFullMode.includes(action));

describe("authorize", () => {
  it("asks nobody where the host itself is root", async () => {
    const check = vi.fn();
    const authorize = createAuthorize("root", undefined, check);
    for (const action of actions) await authorize(action, "web", never);
    expect(check).not.toHaveBeenCalled();
  });

  it("covers the five everyday rights with the password of full mode, and asks for each of the others", async () => {
    const check = vi.fn(async () => {});
    const authorize = createAuthorize("full", caller, check);
    for (const action of actionsOfFullMode) await authorize(action, "web", never);
    expect(check).not.toHaveBeenCalled();
    for (const action of others) await authorize(action, "web", never);
    expect(check).toHaveBeenCalledTimes(others.length);
  });

  it("asks polkit for every single call in limited mode", async () => {
    const check = vi.fn(async () => {});
    const authorize = createAuthorize("limited", caller, check);
    for (const action of actionsOfFullMode) {
      await authorize(action, "web", never);
      await authorize(action, "web", never);
    }
    expect(check).toHaveBeenCalledTimes(2 * actionsOfFullMode.length);
  });

  it("remembers an answer that is root by another name for that container only", async () => {
    const check = vi.fn(async () => {});
    const authorize = createAuthorize("full", caller, check);
    await authorize("shell-privileged", "a", never);
    await authorize("shell-privileged", "a", never);
    expect(check).toHaveBeenCalledTimes(1);
    await authorize("shell-privileged", "b", never);
    await authorize("configure-raw", "a", never);
    expect(check).toHaveBeenCalledTimes(3);
  });

  it("forgets it after five minutes", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const check = vi.fn(async () => {});
    const authorize = createAuthorize("full", caller, check);
    await authorize("shell-privileged", "a", never);
    vi.advanceTimersByTime(5 * 60_000 + 1);
    await authorize("shell-privileged", "a", never);
    expect(check).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it("remembers no refusal", async () => {
    const check = vi.fn(async () => {
      throw new ProblemError({ code: "auth-dismissed", action: "shell-privileged" });
    });
    const authorize = createAuthorize("full", caller, check);
    for (let i = 0; i < 2; i++) await expect(authorize("shell-privileged", "a", never)).rejects.toThrow("auth-dismissed");
    expect(check).toHaveBeenCalledTimes(2);
  });

  it("opens one dialog at a time", async () => {
    let open = 0;
    let most = 0;
    const check = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
    };
    const authorize = createAuthorize("limited", caller, check);
    await Promise.all(["a", "b", "c"].map((name) => authorize("manage", name, never)));
    expect(most).toBe(1);
  });
});

describe("caller", () => {
  it.each([undefined, "", "-1", "4294967295", "4294967294", "2147483648", "2147483647", "abc", "1000 ", "01000", "1e3", "0x10"])(
    "is refused with PKEXEC_UID %j",
    (uid) => {
      expect(() => readCaller({ PKEXEC_UID: uid })).toThrow();
    },
  );

  it("must own the parent process", () => {
    expect(() => readCaller({ PKEXEC_UID: "12345" })).toThrow(/belongs to user/);
  });

  it("must have a parent: init is none", () => {
    expect(() => readCaller({ PKEXEC_UID: "0" }, 1)).toThrow();
  });
});
