import type { Container, TaskKind } from "../../../privileged-helper/contract/model.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useSettings } from "../../state/settings.ts";
import { hideStartProblem, showProblem } from "../../ui/toasts.tsx";

export type Action =
  | "start"
  | "stop"
  | "force-stop"
  | "restart"
  | "freeze"
  | "unfreeze"
  | "try"
  | "keep"
  | "clone"
  | "save-image"
  | "destroy";

export const actionVerbs: Record<Action, string> = {
  start: "Start",
  stop: "Stop",
  "force-stop": "Force stop",
  restart: "Restart",
  freeze: "Freeze",
  unfreeze: "Unfreeze",
  try: "Try",
  keep: "Keep",
  clone: "Clone",
  "save-image": "Save as image",
  destroy: "Destroy",
};

const doing: Record<TaskKind, string> = {
  create: "Creating",
  clone: "Cloning",
  try: "Making",
  keep: "Keeping",
  discard: "Throwing away",
  start: "Starting",
  stop: "Stopping",
  "force-stop": "Stopping by force",
  restart: "Restarting",
  freeze: "Freezing",
  unfreeze: "Unfreezing",
  destroy: "Destroying",
  "first-start": "Setting up",
  recover: "Cleaning up",
  repair: "Fixing",
  harden: "Isolating better",
  "look-for-updates": "Looking for updates",
  update: "Updating",
  soften: "Taking a fix back",
  fix: "Mending",
  download: "Downloading",
  load: "Handing over",
  import: "Adding an image",
  "save-image": "Saving as an image",
  "delete-image": "Deleting an image",
};

/** What may be asked for while that still goes on: it waits for its turn. */
const worthWaitingFor: Partial<Record<TaskKind, readonly Action[]>> = {
  create: ["start"],
  clone: ["start"],
  stop: ["destroy"],
  "force-stop": ["destroy"],
};

export function operationText(kind: TaskKind): string {
  return doing[kind];
}

/** What its button is called. */
export function actionLabel(action: Action, name: string): string {
  return action === "save-image" ? `Save ${name} as image` : `${actionVerbs[action]} ${name}`;
}

/** The actions in their places: what starts and what stops share one, and so do freezing and unfreezing. */
export function actionsFor({ state, throwAway }: Container): Action[] {
  const isStopped = state === "stopped" || state === "error";
  return [
    isStopped ? "start" : "stop",
    "restart",
    state === "frozen" ? "unfreeze" : "freeze",
    "force-stop",
    throwAway ? "keep" : "try",
    "clone",
    "save-image",
    "destroy",
  ];
}

/** Why an action cannot be done now; undefined where it can. Destroying is explained by its own dialog. */
export function reasonAgainst(action: Action, container: Container): string | undefined {
  const { state, operation, manageable, note } = container;
  if (!manageable) return note ?? "This container is only shown.";
  if (action === "force-stop") return state === "stopped" || state === "error" ? "It does not run." : undefined;
  if (operation && worthWaitingFor[operation.kind]?.includes(action)) return undefined;
  if (operation) return `${doing[operation.kind]}…`;
  if (action === "start" && state === "error") return note ?? "It cannot be started.";
  if (action === "try") return state === "stopped" ? undefined : "Only a stopped container can be tried: its files are shared.";
  if (action === "keep") return state === "stopped" || state === "running" ? undefined : `It is ${state}.`;
  if (action === "clone") return state === "stopped" || state === "running" || state === "frozen" ? undefined : `It is ${state}.`;
  if (action === "save-image") return state === "stopped" ? undefined : "Only a stopped container can be saved as an image.";
  if (action === "restart" || action === "freeze") return state === "running" ? undefined : `It is ${state}, not running.`;
  if (action === "stop" && state !== "running" && state !== "frozen" && state !== "starting") return `It is ${state}.`;
  return undefined;
}

/** Does it, or asks first where something could be lost. What fails is shown. */
export async function performAction(client: Client, action: Action, name: string): Promise<void> {
  const { stopTimeoutSeconds: timeoutSeconds } = useSettings.getState();
  if (action === "destroy") return openDialog({ type: "destroy", name });
  if (action === "force-stop") return openDialog({ type: "force-stop", name });
  if (action === "try") return openDialog({ type: "try", source: { type: "clone", from: name }, title: name });
  if (action === "keep") return openDialog({ type: "keep", name });
  if (action === "clone") return openDialog({ type: "create", cloneFrom: name });
  if (action === "save-image") return openDialog({ type: "save-image", name });
  hideStartProblem(name);
  try {
    if (action === "start") await client.call("containers.start", { name });
    if (action === "freeze") await client.call("containers.freeze", { name });
    if (action === "unfreeze") await client.call("containers.unfreeze", { name });
    if (action === "restart") await client.call("containers.restart", { name, timeoutSeconds });
    if (action === "stop") await client.call("containers.stop", { name, timeoutSeconds });
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "timed-out" && (action === "stop" || action === "restart")) {
      openDialog({ type: "still-running", name, seconds: problem.seconds });
    } else {
      showProblem(error, () => performAction(client, action, name));
    }
  }
}
