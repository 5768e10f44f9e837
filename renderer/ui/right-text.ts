import type { Action, MethodName, Methods } from "../../privileged-helper/contract/methods.ts";

/** "You may not ...": each action of polkit's policy in a few words. */
const rightNames: Record<string, string> = {
  full: "use LXC Desktop",
  limited: "open LXC Desktop",
  view: "see containers",
  manage: "start and stop containers",
  create: "create and destroy containers",
  configure: "change containers",
  shell: "open a terminal in a container",
  "shell-privileged": "open a terminal in a privileged container",
  "configure-raw": "change any setting of a container",
  import: "import images",
  host: "change this computer's settings, or see what everybody did",
} satisfies Record<Action | "full" | "limited", string>;

/** @param action Of polkit's policy, without its prefix. */
export function rightName(action: string): string {
  return rightNames[action] ?? "do this";
}

/** What each right lets a person do, all of it. */
export const rightSentences: Record<Action, string> = {
  view: "See containers, their figures, logs and configuration",
  manage: "Start, stop, restart and freeze containers",
  create: "Create, clone and destroy containers and their images",
  configure: "Change limits of a container, and isolate it better",
  shell: "Open a terminal in an unprivileged container",
  "configure-raw": "Change any setting of a container, and take isolation away",
  import: "Import a foreign image for privileged containers",
  "shell-privileged": "Open a terminal in a privileged container",
  host: "Change the settings of this computer, and see what everybody did",
};

type PrivilegedMethod = { [M in MethodName]: Methods[M]["action"] extends "view" ? never : M }[MethodName];

/** What is asked for by each method that needs a right above looking, done or not. */
const methodTexts: Record<PrivilegedMethod | "tasks.cancel", string> = {
  "host.fix": "Fix this computer",
  "containers.create": "Create",
  "containers.try": "Try",
  "containers.keep": "Keep",
  "containers.discard": "Throw away",
  "containers.destroy": "Destroy",
  "containers.start": "Start",
  "containers.stop": "Stop",
  "containers.forceStop": "Force stop",
  "containers.restart": "Restart",
  "containers.freeze": "Freeze",
  "containers.unfreeze": "Unfreeze",
  "containers.firstStart": "Set up",
  "containers.repair": "Fix",
  "security.fix": "Isolate better",
  "security.undo": "Undo a fix",
  "security.accept": "Accept a risk",
  "uploads.open": "Begin an upload",
  "uploads.close": "End an upload",
  "images.import": "Add an image",
  "images.save": "Save as image",
  "images.delete": "Delete an image",
  "tasks.clear": "Clear tasks",
  "tasks.cancel": "Cancel a task",
  "audit.list": "Read what was done",
  "terminal.users": "List users",
  "terminal.open": "Open a terminal",
};

/** @returns Words for people; of a method that this version does not know, its name. */
export function methodText(method: string): string {
  return (methodTexts as Record<string, string | undefined>)[method] ?? method;
}
