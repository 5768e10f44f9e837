import { type Action, actionsOfFullMode } from "./contract/methods.ts";
import { ProblemError, toProblem } from "./contract/problems.ts";
import { readProcessStat, realUidOf } from "./lxc/proc.ts";
import { run } from "./lxc/run.ts";
import { createRememberedRights, type RememberedRights } from "./remembered-rights.ts";

/**
 * Who may do what. The caller is the user that pkexec names, its process is our parent; both are read once, before the
 * first request, and never taken from one.
 */
export type Caller = { uid: number; pid: number; startTicks: string };
export type Mode = "full" | "limited" | "root";

export type Authorize = (action: Action, container: string | undefined, signal: AbortSignal) => Promise<void>;

/** What polkit is asked; where `mayAskPerson` is false it answers at once, and disturbs nobody. */
export type Question = { caller: Caller; action: Action; container: string | undefined; mayAskPerson: boolean; signal: AbortSignal };
/** `person-needed`: only a person's password could make it a yes, and nobody could be (or was to be) asked for it. */
export type Answer = "granted" | "refused" | "person-needed" | "dismissed";

/** polkit's own uid type is 32 bits; the last two values mean "no user" or are signed -2 and -1 (CVE-2018-19788). */
const maxUid = 2 ** 31 - 2;
/** A person may leave a password dialog open for a while; polkit itself has no limit. */
const dialogSeconds = 600;
/** Where no person is asked, a polkit that takes longer does not answer at all. */
const answerSeconds = 10;

/**
 * The caller behind pkexec.
 * @throws Error with the reason when anything does not fit; the helper then ends.
 */
export function readCaller(environment: NodeJS.ProcessEnv = process.env, parentPid = process.ppid): Caller {
  const text = environment.PKEXEC_UID ?? "";
  const uid = /^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : Number.NaN;
  if (!(uid <= maxUid)) throw new Error("PKEXEC_UID is not a user id");
  const parent = readProcessStat(parentPid);
  const self = readProcessStat(process.pid);
  if (!parent || !self || parentPid <= 1) throw new Error("the process that asked is gone");
  if (BigInt(parent.startTicks) > BigInt(self.startTicks)) throw new Error("the parent process is younger than the helper");
  const parentUid = realUidOf(parentPid);
  if (parentUid !== uid) throw new Error(`the parent process belongs to user ${parentUid}, not to user ${uid}`);
  return { uid, pid: parentPid, startTicks: parent.startTicks };
}

/**
 * Makes the check that runs before every method.
 * - root: the host process itself is root, there is nobody to ask.
 * - full: one password covered the five everyday rights; the others are asked each time, per container, and remembered
 *   for five minutes here, because polkit's own `keep` would forget which container was meant.
 * - limited: polkit is asked for every method.
 */
export function createAuthorize(
  mode: Mode,
  caller: Caller | undefined,
  ask = askPolkit,
  remembered: RememberedRights = createRememberedRights(),
): Authorize {
  let dialog: Promise<unknown> = Promise.resolve();

  /** @throws ProblemError for all but a yes. */
  const requireYes = async (question: Omit<Question, "mayAskPerson">) => {
    const { action } = question;
    let answer = await ask({ ...question, mayAskPerson: false });
    const hasAsked = answer === "person-needed";
    if (hasAsked) {
      // One dialog at a time: a second question waits for the answer to the first. What needs none waits for nothing.
      const turn = dialog.then(() => ask({ ...question, mayAskPerson: true }));
      dialog = turn.catch(() => {});
      answer = await turn;
    }
    if (answer === "granted") return;
    if (answer === "dismissed") throw new ProblemError({ code: "auth-dismissed", action });
    if (answer === "person-needed") throw new ProblemError({ code: "no-polkit-agent", action });
    // The same answer for a wrong password and for a rule that refuses; but where a rule does, nobody is asked.
    throw new ProblemError({ code: hasAsked ? "auth-failed" : "auth-denied", action });
  };

  return async (action, container, signal) => {
    if (mode === "root") return;
    if (!caller) throw new ProblemError({ code: "auth-denied", action });
    const everyday = actionsOfFullMode.includes(action);
    if (mode === "full" && everyday) return;
    if (!everyday && remembered.has(action, container)) return;
    await requireYes({ caller, action, container, signal });
    if (!everyday) remembered.add(action, container);
  };
}

/**
 * pkcheck(1): 0 authorized; 1 not; 2 only by asking a person, which was not to be or cannot be done; 3 dismissed; anything else is a
 * failure of polkit itself.
 * @throws ProblemError `polkit-unavailable`
 */
async function askPolkit({ caller, action, container, mayAskPerson, signal }: Question): Promise<Answer> {
  const args = [
    "--action-id",
    `org.lxcdesktop.${action}`,
    "--process",
    `${caller.pid},${caller.startTicks},${caller.uid}`,
    ...(container === undefined ? [] : ["--detail", "container", container]),
    ...(mayAskPerson ? ["--allow-user-interaction"] : []),
  ];
  const timeoutSeconds = mayAskPerson ? dialogSeconds : answerSeconds;
  const { exitCode, output } = await run("pkcheck", args, { signal, timeoutSeconds, allowExitCodes: "any" }).catch((thrown: unknown) => {
    if (toProblem(thrown).code !== "timed-out") throw thrown;
    throw new ProblemError({ code: "polkit-unavailable", detail: `polkit has not answered for ${timeoutSeconds} seconds.` });
  });
  const answer = answers[exitCode];
  if (answer !== undefined) return answer;
  throw new ProblemError({ code: "polkit-unavailable", detail: output.slice(-1024) || `pkcheck ended with ${exitCode}` });
}
const answers: readonly (Answer | undefined)[] = ["granted", "refused", "person-needed", "dismissed"];
