import childProcess from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const changing = [
  ...["appendFileSync", "chmodSync", "chownSync", "lchownSync", "linkSync", "mkdirSync", "mkdtempSync", "renameSync", "rmSync"],
  ...["rmdirSync", "symlinkSync", "truncateSync", "unlinkSync", "utimesSync", "writeFileSync", "writeSync"],
] as const;

const changingPromises = ["appendFile", "chmod", "chown", "mkdir", "open", "rename", "rm", "unlink", "writeFile"] as const;

/** Does something before this process changes the disk, or starts a program, for so many times: to be killed there, or cancelled. */
export function beforeChange(count: number, act: () => void): void {
  let left = count;
  const counted = (module: object, names: readonly string[]) => {
    for (const name of names) {
      const real = Reflect.get(module, name) as (...args: unknown[]) => unknown;
      Reflect.set(module, name, (...args: unknown[]) => {
        if (--left === 0) act();
        return real(...args);
      });
    }
  };
  counted(fs, changing);
  counted(fs.promises, changingPromises);
  counted(childProcess, ["spawn"]);
  syncBuiltinESMExports();
}

export function killThisProcess(): void {
  process.kill(process.pid, "SIGKILL");
}

/** What a process exits with where its work was cancelled. */
export const cancelledExitCode = 3;
