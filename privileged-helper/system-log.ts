import type { Writable } from "node:stream";
import { run } from "./lxc/run.ts";

/** One line for this computer's own log: the journal or syslog, whichever listens on /dev/log. */
export type SystemLog = (line: string, isFailure: boolean) => void;

/** Priorities of RFC 5424: facility authpriv (10), severities info and notice. */
const done = 10 * 8 + 6;
const failed = 10 * 8 + 5;
/** What waits for a log that does not read is dropped above this; our own file has it. */
const maxWaitingBytes = 64 * 1024;
/** One that ends, as where nothing listens, is not started again sooner. */
const againAfterMilliseconds = 60_000;
/** It ends with us, when its input does. */
const lifetimeSeconds = 7 * 24 * 3600;

/**
 * Node opens no datagram sockets of the Unix kind, so logger(1) does, one for the life of the helper, started with the first line. Lines are
 * its standard input and never an argument. Where it is not installed or nothing listens, nobody is told: the helper's own file has all of it.
 * @param socket Another one than /dev/log.
 */
export function createSystemLog(socket?: string): SystemLog {
  let input: Writable | undefined;
  let startedAt = Number.NEGATIVE_INFINITY;

  const start = () => {
    startedAt = performance.now();
    // Without `--size` a long line becomes two.
    const args = [
      "--tag",
      "lxc-desktop",
      `--id=${process.pid}`,
      "--size",
      "8KiB",
      "--prio-prefix",
      ...(socket ? ["--socket", socket] : []),
    ];
    const onInput = (stream: Writable) => {
      input = stream;
    };
    void run("logger", args, { onInput, timeoutSeconds: lifetimeSeconds, allowExitCodes: "any" })
      .catch(() => {})
      .finally(() => {
        input = undefined;
      });
  };

  return (line, isFailure) => {
    if (!input && performance.now() - startedAt > againAfterMilliseconds) start();
    if (!input || input.writableLength > maxWaitingBytes) return;
    input.write(`<${isFailure ? failed : done}>${line}\n`);
  };
}
