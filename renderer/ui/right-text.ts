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

/** What was done, of each method that needs a right above looking. */
const methodTexts: Record<PrivilegedMethod | "tasks.cancel", string> = {
  "host.fix": "Changed this computer",
  "containers.create": "Created",
  "containers.try": "Made a throw-away copy",
  "containers.keep": "Kept",
  "containers.discard": "Threw away",
  "containers.destroy": "Destroyed",
  "containers.start": "Started",
  "containers.stop": "Stopped",
  "containers.forceStop": "Stopped by force",
  "containers.restart": "Restarted",
  "containers.freeze": "Froze",
  "containers.unfreeze": "Unfroze",
  "containers.firstStart": "Set up",
  "containers.repair": "Repaired",
  "security.fix": "Isolated better",
  "security.undo": "Took a fix back",
  "security.accept": "Accepted a risk",
  "uploads.open": "Began an upload",
  "uploads.close": "Ended an upload",
  "images.import": "Added an image",
  "images.save": "Saved as an image",
  "images.delete": "Deleted an image",
  "tasks.clear": "Cleared the tasks",
  "tasks.cancel": "Cancelled a task",
  "audit.list": "Read what was done",
  "terminal.users": "Read the users",
  "terminal.open": "Opened a terminal",
};

/** @returns Words for people; of a method that this version does not know, its name. */
export function methodText(method: string): string {
  return (methodTexts as Record<string, string | undefined>)[method] ?? method;
}
