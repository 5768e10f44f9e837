import { execFile } from "node:child_process";
import * as z from "zod";
import { actions } from "../../privileged-helper/contract/methods.ts";
import type { RememberedRight, RightAnswer } from "../../privileged-helper/contract/model.ts";
import { askPolkit, polkitEnvironment } from "./ask-polkit.ts";

/** What polkit says of the person who uses the app. Nobody is asked for a password by any of it. */
export type PolkitRights = {
  answers(): Promise<Record<string, RightAnswer>>;
  /** What polkit keeps of answers of this session; undefined where it cannot be asked, as without logind. */
  kept(): Promise<RememberedRight[] | undefined>;
  /** Has polkit forget them; those of other programs stay. */
  revokeKept(): Promise<void>;
};

const prefix = "org.lxcdesktop.";
/** Both are part of systemd; without it polkit knows no sessions, or those of another service. */
const busctl = "/usr/bin/busctl";
const loginctl = "/usr/bin/loginctl";
const authority = ["org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority"] as const;
const answerWithinMilliseconds = 5_000;
const sessionPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** EnumerateTemporaryAuthorizations: an id, the action, the subject, and when it began and ends, in seconds since the epoch. */
const keptAnswers = z.object({
  data: z.tuple([z.array(z.tuple([z.string().regex(/^[A-Za-z0-9]{1,64}$/), z.string(), z.unknown(), z.number(), z.number()]))]),
});

type Run = (file: string, args: readonly string[]) => Promise<string | undefined>;

/** @param isRoot Where this process is root there is nobody to ask. */
export function createPolkitRights({
  isRoot = process.getuid?.() === 0,
  environment = process.env,
  ask = askPolkit,
  run = runProgram as Run,
} = {}): PolkitRights {
  const enumerate = async () => {
    if (isRoot) return undefined;
    const session = environment.XDG_SESSION_ID ?? (await shownSession(run));
    if (session === undefined || !sessionPattern.test(session)) return undefined;
    const subject = ["(sa{sv})", "unix-session", "1", "session-id", "s", session];
    return readKept(await run(busctl, ["--system", "--json=short", "call", ...authority, "EnumerateTemporaryAuthorizations", ...subject]));
  };
  return {
    async answers() {
      const found = await Promise.all(
        actions.map(async (action): Promise<[string, RightAnswer]> => [action, isRoot ? "granted" : answerOf(await ask(action))]),
      );
      return Object.fromEntries(found);
    },
    async kept() {
      return (await enumerate())?.map(({ action, until }) => ({ action, until }));
    },
    async revokeKept() {
      const kept = (await enumerate()) ?? [];
      await Promise.all(kept.map(({ id }) => run(busctl, ["--system", "call", ...authority, "RevokeTemporaryAuthorizationById", "s", id])));
    },
  };
}

/** Of an app that the desktop has started as a service of the user's, which is in no session itself. */
async function shownSession(run: Run): Promise<string | undefined> {
  return (await run(loginctl, ["show-user", String(process.getuid?.()), "--property=Display", "--value"]))?.trim();
}

/** pkcheck(1) */
function answerOf(exitCode: number | undefined): RightAnswer {
  if (exitCode === 0) return "granted";
  if (exitCode === 1) return "refused";
  return exitCode === 2 ? "asks" : "unknown";
}

function readKept(printed: string | undefined): { id: string; action: string; until: number }[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(printed ?? "");
  } catch {
    return undefined;
  }
  return keptAnswers
    .safeParse(json)
    .data?.data[0].filter(([, action]) => action.startsWith(prefix))
    .map(([id, action, , , expires]) => ({ id, action: action.slice(prefix.length), until: expires * 1000 }));
}

/** @returns What it printed; undefined where it is not there or failed. */
function runProgram(file: string, args: readonly string[]): Promise<string | undefined> {
  const options = { timeout: answerWithinMilliseconds, env: polkitEnvironment };
  return new Promise((resolve) => execFile(file, [...args], options, (error, output) => resolve(error ? undefined : output)));
}
