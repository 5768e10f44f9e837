import { describe, expect, it, vi } from "vitest";
import { type Answer, createAuthorize, type Question, readCaller } from "./authorize.ts";
import { actions, actionsOfFullMode } from "./contract/methods.ts";

const caller = { uid: 1000, pid: 4242, startTicks: "100" };
const never = new AbortController().signal;
const others = actions.filter((action) => !actionsOfFullMode.includes(action));

/** polkit, as a rule or a person would have it answer. */
const polkit = (answer: (question: Question) => Answer | Promise<Answer>) => vi.fn(async (question: Question) => answer(question));
const generous = () => polkit(() => "granted");
/** Where no rule says anything: a person decides. */
const byPerson = (decide: (question: Question) => Answer | Promise<Answer>) =>
  polkit((question) => (question.mayAskPerson ? decide(question) : "person-needed"));

describe("authorize", () => {
  it("asks nobody where the host itself is root", async () => {
    const ask = generous();
    const authorize = createAuthorize("root", undefined, ask);
    for (const action of actions) await authorize(action, "web", never);
    expect(ask).not.toHaveBeenCalled();
  });

  it("covers the five everyday rights with the password of full mode, and asks for each of the others", async () => {
    const ask = generous();
    const authorize = createAuthorize("full", caller, ask);
    for (const action of actionsOfFullMode) await authorize(action, "web", never);
    expect(ask).not.toHaveBeenCalled();
    for (const action of others) await authorize(action, "web", never);
    expect(ask.mock.calls.map(([{ action, container }]) => `${action} ${container}`)).toEqual(others.map((action) => `${action} web`));
  });

  it("asks polkit for every single call in limited mode, and no person where polkit knows the answer", async () => {
    const ask = generous();
    const authorize = createAuthorize("limited", caller, ask);
    for (const action of actionsOfFullMode) {
      await authorize(action, "web", never);
      await authorize(action, "web", never);
    }
    expect(ask).toHaveBeenCalledTimes(2 * actionsOfFullMode.length);
    expect(ask.mock.calls.filter(([{ mayAskPerson }]) => mayAskPerson)).toEqual([]);
  });

  it.each([
    ["a rule refuses", polkit(() => "refused"), "auth-denied", 1],
    ["a person gives another password", byPerson(() => "refused"), "auth-failed", 2],
    ["a person closes the dialog", byPerson(() => "dismissed"), "auth-dismissed", 2],
    ["nothing can ask a person", byPerson(() => "person-needed"), "no-polkit-agent", 2],
  ] as const)("is refused where %s", async (_what, ask, code, questions) => {
    const authorize = createAuthorize("limited", caller, ask);
    await expect(authorize("manage", "web", never)).rejects.toMatchObject({ problem: { code, action: "manage" } });
    expect(ask).toHaveBeenCalledTimes(questions);
  });

  it("is refused where polkit fails, whether it would have asked a person or not", async () => {
    const failing = polkit(() => Promise.reject(new Error("no bus")));
    const failingToAsk = byPerson(() => Promise.reject(new Error("no bus")));
    for (const ask of [failing, failingToAsk]) {
      await expect(createAuthorize("limited", caller, ask)("manage", "web", never)).rejects.toThrow("no bus");
    }
  });

  it("remembers an answer that is root by another name for that container only", async () => {
    const ask = generous();
    const authorize = createAuthorize("full", caller, ask);
    await authorize("shell-privileged", "a", never);
    await authorize("shell-privileged", "a", never);
    expect(ask).toHaveBeenCalledTimes(1);
    await authorize("shell-privileged", "b", never);
    await authorize("configure-raw", "a", never);
    expect(ask).toHaveBeenCalledTimes(3);
  });

  it("forgets it after five minutes", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const ask = generous();
    const authorize = createAuthorize("full", caller, ask);
    await authorize("shell-privileged", "a", never);
    vi.advanceTimersByTime(5 * 60_000 + 1);
    await authorize("shell-privileged", "a", never);
    expect(ask).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it("remembers no refusal", async () => {
    const ask = polkit(() => "refused");
    const authorize = createAuthorize("full", caller, ask);
    for (let i = 0; i < 2; i++) await expect(authorize("shell-privileged", "a", never)).rejects.toThrow("auth-denied");
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it("opens one dialog at a time", async () => {
    let open = 0;
    let most = 0;
    const ask = byPerson(async (): Promise<Answer> => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return "granted";
    });
    const authorize = createAuthorize("limited", caller, ask);
    await Promise.all(["a", "b", "c"].map((name) => authorize("manage", name, never)));
    expect(most).toBe(1);
  });

  it("has nothing wait for an open dialog that needs none itself", async () => {
    let close: (answer: Answer) => void = () => {};
    const dialog = new Promise<Answer>((resolve) => {
      close = resolve;
    });
    const authorize = createAuthorize("limited", caller, (question) =>
      question.action === "create" ? byPerson(() => dialog)(question) : generous()(question),
    );
    const asked = authorize("create", "web", never);
    await authorize("manage", "web", never);
    close("granted");
    await asked;
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
