import type { Task, TaskKind } from "../../../privileged-helper/contract/model.ts";
import { filterWords } from "../../ui/filter-words.ts";
import { formatTook } from "../../ui/format.ts";
import { explainProblem } from "../../ui/problem.ts";

const verbs: Record<TaskKind, string> = {
  create: "Create",
  clone: "Clone to",
  try: "Try",
  keep: "Keep",
  discard: "Throw away",
  start: "Start",
  stop: "Stop",
  "force-stop": "Force stop",
  restart: "Restart",
  freeze: "Freeze",
  unfreeze: "Unfreeze",
  destroy: "Destroy",
  "first-start": "Set up",
  recover: "Clean up",
  repair: "Fix",
  harden: "Isolate",
  "look-for-updates": "Look for updates in",
  update: "Update",
  soften: "Undo a fix of",
  fix: "Fix",
  download: "Download",
  load: "Hand over",
  import: "Add image",
  "save-image": "Save an image of",
  "delete-image": "Delete image",
};

export const stateTexts: Record<Task["state"], string> = {
  waiting: "Waiting",
  running: "Running",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** What a task is called: "Create web". */
export function taskTitle({ kind, target }: Pick<Task, "kind" | "target">): string {
  return `${verbs[kind]} ${target}`;
}

/** What is to be said about it in a few words: what it does, waits for, or failed of. */
export function taskNews({ state, step, waitsFor, problem }: Task): string | undefined {
  if (state === "running") return step;
  if (state === "waiting") return waitsFor && waitingText(waitsFor);
  if (state !== "failed" || !problem) return undefined;
  const { title, body } = explainProblem(problem);
  return problem.code === "command-failed" ? body : title;
}

function waitingText({ operation, name, task }: NonNullable<Task["waitsFor"]>): string {
  // Another helper's operation may be about a clone of it, and nobody here knows which.
  if (task === undefined) return `Waits until another LXC Desktop is done with ${name}`;
  return `Waits for ${Object.hasOwn(verbs, operation) ? verbs[operation as TaskKind] : operation} ${name}`;
}

/** Who asked for it. What a helper removes that another one left, nobody did. */
export function taskRequester({ requestedBy, kind }: Task): string | undefined {
  if (requestedBy) return requestedBy.user ?? `User ${requestedBy.uid}`;
  return kind === "recover" ? "LXC Desktop" : undefined;
}

/** How long its work took, or takes so far; what has not begun takes no time. */
export function taskTook({ state, startedAt, endedAt, problem }: Task, now: number): string | undefined {
  const hasBegun = state !== "waiting" && !(problem?.code === "interrupted" && !problem.hadBegun);
  return hasBegun ? formatTook((endedAt ?? now) - startedAt) : undefined;
}

/** Which tasks are shown: a choice of states, by what it is called. */
export const taskFilters = {
  all: { label: "All tasks", states: undefined },
  active: { label: "Under way", states: ["waiting", "running"] },
  failed: { label: "Failed", states: ["failed"] },
  cancelled: { label: "Cancelled", states: ["cancelled"] },
  succeeded: { label: "Done", states: ["succeeded"] },
} as const satisfies Record<string, { label: string; states: readonly Task["state"][] | undefined }>;
export type TaskFilter = keyof typeof taskFilters;

/** Those in such a state of which the text's words are all found in what the table shows. */
export function filterTasks(tasks: readonly Task[], filter: TaskFilter, text: string): readonly Task[] {
  const states: readonly Task["state"][] | undefined = taskFilters[filter].states;
  const words = filterWords(text);
  if (!states && words.length === 0) return tasks;
  return tasks.filter((task) => {
    if (states && !states.includes(task.state)) return false;
    const shown = [taskTitle(task), stateTexts[task.state], taskNews(task), taskRequester(task)].join(" ").toLowerCase();
    return words.every((word) => shown.includes(word));
  });
}

/** These are offered where the problem is shown, by who knows what has to be mended; or nobody had asked for them. */
const neverRetried: ReadonlySet<TaskKind> = new Set(["recover", "repair", "harden", "soften", "fix", "keep", "discard"]);

/** True where it did not do what was asked for, and can be asked for again. */
export function isRetriable({ kind, state, request, form }: Task): boolean {
  return (request !== undefined || form !== undefined) && (state === "failed" || state === "cancelled") && !neverRetried.has(kind);
}
