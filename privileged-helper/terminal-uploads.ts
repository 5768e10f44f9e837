import { readlinkSync } from "node:fs";
import type { Writable } from "node:stream";
import type { NextChannel } from "./channels.ts";
import { maxUnwrittenBytes } from "./contract/events.ts";
import type { ParamsOf } from "./contract/methods.ts";
import { type Problem, ProblemError, toProblem } from "./contract/problems.ts";
import type { TerminalUser } from "./contract/terminal.ts";
import { shellOfOurs } from "./lxc/application.ts";
import { childrenOf } from "./lxc/proc.ts";
import { failure, type RunResult, run } from "./lxc/run.ts";
import { scriptInside } from "./lxc/terminal-command.ts";

/**
 * Files that are written into the folder that a shell is in: bytes on a channel, handed to a program inside that the shell's user runs. So
 * root opens no path of the container's, and the file is that user's. The program writes under another name, and gives the file its own
 * when all of it has come; where less comes, because somebody cancels or we are killed, it removes it.
 */
export type TerminalUploads = {
  /** A shell may be uploaded to from now on. */
  allow(channel: number, shell: Shell): void;
  disallow(channel: number): void;
  /** @throws ProblemError `not-found` where there is no such shell, `too-many-requests`. */
  open(params: ParamsOf<"terminal.upload">): { channel: number };
  /** Bytes of a channel. @returns False where it is none of an upload. */
  receive(channel: number, bytes: Uint8Array): boolean;
  /** @returns Where the file is. @throws ProblemError `already-exists`, `not-found`, `not-supported`, `cancelled`, `command-failed`. */
  finish(channel: number, signal: AbortSignal): Promise<{ path: string }>;
  cancelAll(): void;
};

/** `account` where it is not root's. */
type Shell = { name: string; account?: TerminalUser | undefined };

type Options = {
  lxcPath: string;
  nextChannel: NextChannel;
  /** The process that was started for a terminal. */
  processId(terminal: number): number;
  /** Told how many bytes of an upload were taken. */
  onWritten(channel: number, bytes: number): void;
};

type Upload = {
  path: string;
  file: string;
  bytes: number;
  received: number;
  written: number;
  told: number;
  input: Writable | undefined;
  isCancelled: boolean;
  problem?: Problem;
  result: Promise<RunResult>;
};

const maxUploads = 8;
const tellEveryBytes = 128 * 1024;
const noFolder = 72;
const isThere = 73;
const incomplete = 74;

/** `$1` the folder, `$2` the file's name, `$3` how many bytes it has, `$4` `overwrite` or `keep`. */
const receiveFile = `cd -- "$1" || exit ${noFolder}
[ -d "./$2" ] && exit ${isThere}
[ "$4" = keep ] && { [ -e "./$2" ] || [ -L "./$2" ]; } && exit ${isThere}
part=./.lxc-desktop-upload.$$
set -C
: > "$part" || exit 1
set +C
cat > "$part" || { rm -f "$part"; exit 1; }
[ "$(wc -c < "$part")" -eq "$3" ] || { rm -f "$part"; exit ${incomplete}; }
if [ "$4" = overwrite ]
then mv -f "$part" "./$2" || { rm -f "$part"; exit 1; }
else ln "$part" "./$2" 2>/dev/null; made=$?
rm -f "$part"
[ $made = 0 ] || exit ${isThere}
fi`;

export function createTerminalUploads({ lxcPath, nextChannel, processId, onWritten }: Options): TerminalUploads {
  const shells = new Map<number, Shell>();
  const uploads = new Map<number, Upload>();

  const tell = (channel: number, upload: Upload) => {
    const isLast = upload.written >= upload.bytes && upload.told < upload.bytes;
    if (!isLast && upload.written - upload.told < tellEveryBytes) return;
    upload.told = upload.written;
    onWritten(channel, upload.written);
  };
  const cancel = (upload: Upload) => {
    upload.isCancelled = true;
    // What has come is less than was announced, so it is removed inside.
    upload.input?.end();
  };
  /** Whoever sends is not left waiting: what comes is thrown away. */
  const fail = (channel: number, upload: Upload, problem: Problem) => {
    upload.problem ??= problem;
    cancel(upload);
    upload.written = Math.min(upload.received, upload.bytes);
    tell(channel, upload);
  };

  return {
    allow: (channel, shell) => void shells.set(channel, shell),
    disallow: (channel) => void shells.delete(channel),
    open({ channel: terminal, file, bytes, overwrite }) {
      const shell = shells.get(terminal);
      if (!shell) throw new ProblemError({ code: "not-found", what: "terminal" });
      if (uploads.size >= maxUploads) throw new ProblemError({ code: "too-many-requests", limit: maxUploads });
      const folder = folderOf(processId(terminal));
      if (folder === undefined) throw new ProblemError({ code: "not-found", what: "the shell's folder" });
      const { name, account } = shell;
      const args = [folder, file, String(bytes), overwrite ? "overwrite" : "keep"];
      const command = scriptInside(shellOfOurs(lxcPath, name), account, receiveFile, args);
      const channel = nextChannel();
      const upload: Omit<Upload, "result"> = {
        path: `${folder === "/" ? "" : folder}/${file}`,
        file,
        bytes,
        received: 0,
        written: 0,
        told: 0,
        input: undefined,
        isCancelled: false,
      };
      const result = run("lxc-attach", ["-n", name, "-P", lxcPath, "--clear-env", "--", ...command], {
        allowExitCodes: "any",
        onInput: (input) => {
          upload.input = input;
          if (bytes === 0) input.end();
        },
      });
      const started: Upload = Object.assign(upload, { result });
      uploads.set(channel, started);
      // Whoever sends more than that is not left waiting; `finish` tells why.
      result.then(
        ({ exitCode }) => exitCode !== 0 && fail(channel, started, problemOf(exitCode, started, command)),
        (error) => fail(channel, started, toProblem(error)),
      );
      return { channel };
    },
    receive(channel, bytes) {
      const upload = uploads.get(channel);
      if (!upload) return false;
      upload.received += bytes.byteLength;
      if (upload.received > upload.bytes) fail(channel, upload, invalid("more bytes came than were announced"));
      else if (upload.received - upload.told > maxUnwrittenBytes)
        fail(channel, upload, invalid("more bytes came at once than may be under way"));
      else if (upload.problem) fail(channel, upload, upload.problem);
      else if (!upload.isCancelled) {
        upload.input?.write(bytes, (error) => {
          if (error || upload.problem) return;
          upload.written += bytes.byteLength;
          tell(channel, upload);
        });
        if (upload.received === upload.bytes) upload.input?.end();
      }
      return true;
    },
    async finish(channel, signal) {
      const upload = uploads.get(channel);
      if (!upload) throw new ProblemError({ code: "not-found", what: `upload ${channel}` });
      const onAbort = () => cancel(upload);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        const { exitCode } = await upload.result;
        if (exitCode === 0) return { path: upload.path };
        // What it is, was written down as it ended.
        throw new ProblemError(upload.problem ?? { code: "cancelled" });
      } finally {
        signal.removeEventListener("abort", onAbort);
        uploads.delete(channel);
      }
    },
    cancelAll() {
      for (const [channel, upload] of uploads) {
        cancel(upload);
        uploads.delete(channel);
      }
    },
  };
}

function problemOf(exitCode: number, { file, isCancelled }: Pick<Upload, "file" | "isCancelled">, command: readonly string[]): Problem {
  if (exitCode === isThere) return { code: "already-exists", name: file };
  if (exitCode === noFolder) return { code: "not-found", what: "the shell's folder" };
  if (exitCode === incomplete && isCancelled) return { code: "cancelled" };
  return failure(["lxc-attach", "--", ...command.slice(0, 1)], "", exitCode);
}

/** Where the program is that lxc-attach runs, as it sees that itself: lxc-attach's only child. */
function folderOf(pid: number): string | undefined {
  const [child] = childrenOf(pid);
  try {
    return child === undefined ? undefined : readlinkSync(`/proc/${child}/cwd`);
  } catch {
    return undefined;
  }
}

function invalid(message: string): Problem {
  return { code: "invalid-request", issues: [{ path: "channel", message }] };
}
