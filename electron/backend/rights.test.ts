import { expect, it, vi } from "vitest";
import { createPolkitRights } from "./rights.ts";

/** As `busctl --json=short` prints what EnumerateTemporaryAuthorizations answers. */
const printed = JSON.stringify({
  type: "a(ss(sa{sv})tt)",
  data: [
    [
      ["tmpauthz4", "org.lxcdesktop.full", ["unix-process", { pid: { type: "u", data: 42 } }], 1_700_000_000, 1_700_000_300],
      ["tmpauthz5", "org.freedesktop.packagekit.package-install", ["unix-process", {}], 1_700_000_000, 1_700_000_300],
      ["tmpauthz6", "org.lxcdesktop.view", ["unix-process", {}], 1_700_000_010, 1_700_000_310],
    ],
  ],
});
const environment = { XDG_SESSION_ID: "3" };
const answering = (text: string | undefined) => vi.fn(async (_file: string, _args: readonly string[]) => text);

it("tells by polkit's exit code what a person may, and root may everything unasked", async () => {
  const codes: Record<string, number | undefined> = { view: 0, manage: 1, create: 2, shell: 127 };
  const ask = vi.fn(async (action: string) => codes[action]);
  const answers = await createPolkitRights({ isRoot: false, ask }).answers();
  expect(answers).toMatchObject({ view: "granted", manage: "refused", create: "asks", shell: "unknown", host: "unknown" });
  ask.mockClear();
  expect(new Set(Object.values(await createPolkitRights({ isRoot: true, ask }).answers()))).toEqual(new Set(["granted"]));
  expect(ask).not.toHaveBeenCalled();
});

it("lists what polkit keeps of ours, until when, and takes back no other program's", async () => {
  const run = answering(printed);
  const rights = createPolkitRights({ isRoot: false, environment, run });
  expect(await rights.kept()).toEqual([
    { action: "full", until: 1_700_000_300_000 },
    { action: "view", until: 1_700_000_310_000 },
  ]);
  await rights.revokeKept();
  const revoked = run.mock.calls.map(([, args]) => args).filter((args) => args.includes("RevokeTemporaryAuthorizationById"));
  expect(revoked.map((args) => args.at(-1))).toEqual(["tmpauthz4", "tmpauthz6"]);
});

it.each([undefined, "", "nonsense", "{}", '{"data":[[["--evil","org.lxcdesktop.view",[],1,2]]]}'])(
  "says that it does not know where polkit answers %j",
  async (text) => {
    const run = answering(text);
    const rights = createPolkitRights({ isRoot: false, environment, run });
    expect(await rights.kept()).toBeUndefined();
    await rights.revokeKept();
    expect(run.mock.calls.some(([, args]) => args.includes("RevokeTemporaryAuthorizationById"))).toBe(false);
  },
);

it("asks for no session that is none", async () => {
  const run = answering(printed);
  expect(await createPolkitRights({ isRoot: false, environment: { XDG_SESSION_ID: "3; id" }, run }).kept()).toBeUndefined();
  expect(run).not.toHaveBeenCalled();
});
