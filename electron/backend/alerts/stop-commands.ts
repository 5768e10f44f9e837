import { readdirSync, readFileSync } from "node:fs";

/** LXC's programs that end containers, and which of their arguments say so where they do other things, too. */
const stoppers = new Map<string, readonly string[] | undefined>([
  ["lxc-stop", undefined],
  ["lxc-destroy", undefined],
  ["lxc-autostart", ["-s", "--shutdown", "-k", "--kill", "-r", "--reboot"]],
]);

/**
 * The kernel does not tell why a container's init has ended. But who stops a container with LXC's own programs waits for its end, so the
 * program is still there when that is noticed. Where /proc shows only a person's own processes (hidepid), none is found.
 * @returns True while a program that stops this container, or several at once, runs.
 */
export function isBeingStopped(container: string, proc = "/proc"): boolean {
  // The newest first: it may end at any moment.
  const pids = readdirSync(proc).filter((entry) => /^\d+$/.test(entry));
  return pids
    .sort((one, other) => Number(other) - Number(one))
    .some((pid) => {
      const [program = "", ...args] = commandOf(`${proc}/${pid}`);
      const name = program.split("/").at(-1) ?? "";
      if (!stoppers.has(name)) return false;
      const telling = stoppers.get(name);
      return telling ? args.some((argument) => telling.includes(argument)) : namesContainer(args, container);
    });
}

/** `web`, `-n web`, `-nweb`, `--name=web`. */
function namesContainer(args: readonly string[], container: string): boolean {
  return args.some((argument) => argument === container || argument === `-n${container}` || argument === `--name=${container}`);
}

/** Empty for every program but those. */
function commandOf(folder: string): string[] {
  try {
    // Most processes are told apart by 16 bytes; the arguments are read of few.
    if (!stoppers.has(readFileSync(`${folder}/comm`, "utf8").trimEnd())) return [];
    return readFileSync(`${folder}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
