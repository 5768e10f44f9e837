import { closeSync, readdirSync } from "node:fs";
import { readProcFile } from "./lxc/proc.ts";

const closeOnExec = 0o2000000;

/**
 * Closes what whoever started this process had open, but for the standard streams: every tool would inherit it, and with lxc-attach the
 * container, which by a folder that is open could reach all of this computer's files. pkexec does that by itself; a host that is root does
 * not. To be called before anything else is opened: what Node itself has open closes by itself when a program is started, and is told by that
 * (proc_pid_fdinfo(5), open(2)).
 */
export function closeInheritedFiles(): void {
  for (const name of readdirSync("/proc/self/fdinfo")) {
    const descriptor = Number(name);
    const flags = /^flags:\s+([0-7]+)$/m.exec(readProcFile(`/proc/self/fdinfo/${name}`) ?? "")?.[1];
    if (descriptor <= 2 || flags === undefined || (Number.parseInt(flags, 8) & closeOnExec) !== 0) continue;
    closeSync(descriptor);
  }
}
