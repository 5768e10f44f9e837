import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { createFrameReader, encodeFrame, FrameError } from "../../privileged-helper/wire/frames.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";

/** A started helper: its standard streams as a port, and how it ended. */
export type HelperProcess = {
  pid: number;
  port: Port;
  ended: Promise<HelperEnd>;
  /**
   * Asks it to end. One that still asks for a password is ours to end, and the question goes with it; once it is root, all that can
   * be done is to end its input.
   */
  end(): void;
};
export type HelperEnd = { exitCode: number | undefined /** The last of what it wrote to standard error. */; errors: string };

const keptErrors = 4096;

/**
 * Starts a program that speaks frames. Detached: Ctrl-C in the terminal goes to the whole foreground process group, and must
 * not reach root.
 */
export function startHelperProcess(file: string, args: readonly string[], environment: NodeJS.ProcessEnv): HelperProcess {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(file, [...args], {
    cwd: "/",
    env: environment,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-keptErrors);
  });
  const ended = new Promise<HelperEnd>((resolve) => {
    child.once("error", (error) => resolve({ exitCode: undefined, errors: error.message }));
    child.once("close", (code) => resolve({ exitCode: code ?? undefined, errors: errors.trim() }));
  });
  // Writing to one that has just ended fails; that it ended is told by `ended`.
  child.stdin.on("error", () => {});
  return { pid: child.pid ?? 0, port: portOf(child, ended), ended, end: () => end(child) };
}

function end(child: ChildProcessByStdio<Writable, Readable, Readable>) {
  child.stdin.end();
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(child.pid, "SIGTERM");
  } catch {
    // It is root's.
  }
}

function portOf(child: ChildProcessByStdio<Writable, Readable, Readable>, ended: Promise<HelperEnd>): Port {
  let closed = false;
  let onClose: (reason: string) => void = () => {};
  const close = (reason: string) => {
    if (closed) return;
    closed = true;
    child.stdin.end();
    onClose(reason);
  };
  void ended.then(({ exitCode, errors }) => close(errors || `it ended with exit code ${exitCode ?? "none"}`));
  return {
    send(message) {
      if (!closed) child.stdin.write(encodeFrame(message));
    },
    onMessage(listener) {
      const read = createFrameReader((message) => {
        if (!closed) listener(message);
      });
      child.stdout.on("data", (chunk: Buffer) => {
        try {
          if (!closed) read(chunk);
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
          close(`it broke the protocol: ${error.message}`);
        }
      });
    },
    onClose(listener) {
      onClose = listener;
    },
    close: (reason = "closed") => close(reason),
  };
}
