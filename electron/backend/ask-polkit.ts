import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

export const pkcheck = "/usr/bin/pkcheck";
/** All that polkit's programs may see of ours. */
export const polkitEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };
const answerWithinMilliseconds = 10_000;

/**
 * What polkit answers for this process without disturbing anybody (pkcheck(1)): 0 yes, 1 no, 2 only after a question.
 * @returns undefined where it was killed or did not answer.
 */
export function askPolkit(action: string): Promise<number | undefined> {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // Field 22, the start time, counted after the command, which may hold blanks (proc_pid_stat(5)).
  const startTicks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3];
  const subject = `${process.pid},${startTicks},${process.getuid?.()}`;
  return new Promise((resolve) => {
    const child = execFile(
      pkcheck,
      ["--action-id", `org.lxcdesktop.${action}`, "--process", subject],
      { env: polkitEnvironment, timeout: answerWithinMilliseconds },
      () => resolve(child.exitCode ?? undefined),
    );
  });
}
