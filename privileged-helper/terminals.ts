import { existsSync, readSync } from "node:fs";
import { basename } from "node:path";
import { type IPty, spawn } from "node-pty";
import type { NextChannel } from "./channels.ts";
import { ProblemError } from "./contract/problems.ts";
import { createLineEnds } from "./line-ends.ts";
import { childrenOf, processIds, readProcessStat } from "./lxc/proc.ts";
import type { TerminalCommand } from "./lxc/terminal-command.ts";
import { createPtyInput, type PtyInput, type Writable } from "./pty-input.ts";
import { type Credit, createCredit } from "./wire/credit.ts";

/**
 * Shells in containers: lxc-attach on a PTY of its own, bytes both ways on a channel. Output stops flowing while the
 * window has not parsed what it got.
 */
export type Terminals = {
  /**
   * @param before What is sent before anything that the command prints.
   * @returns The channel's number; its first bytes follow the reply.
   */
  open(
    command: Pick<TerminalCommand, "file" | "args" | "addsReturns">,
    size: { columns: number; rows: number },
    before?: Uint8Array,
  ): number;
  /** The process on this computer that the terminal was opened with. @throws ProblemError not-found */
  processId(channel: number): number;
  /** Every method ignores channels that are gone: the other side may not know yet. */
  input(channel: number, bytes: Uint8Array): void;
  acknowledge(channel: number, parsedBytes: number): void;
  /** @throws ProblemError not-found */
  resize(channel: number, size: { columns: number; rows: number }): void;
  close(channel: number): void;
  closeAll(): void;
};

type Events = {
  onData(channel: number, bytes: Uint8Array): void;
  onExited(channel: number, exitCode: number, signal: number | undefined): void;
};

type Terminal = { pty: IPty; credit: Credit; input: PtyInput; isOpen(): boolean; resume(): void };

const maxTerminals = 64;
/** node-pty throws away what is unread 200 ms after the exit, so a paused terminal is looked at more often than that. */
const pausedCheckMilliseconds = 50;
const pieceBytes = 64 * 1024;
/** So little is what a key brings: it is told at once. Where more comes there is more, and it is told together. */
const fewBytes = 512;
/** After so long it is taken to listen, whatever can be seen of it. */
const longestDeafMilliseconds = 500;
/** How long a CR that may be the terminal's own waits for its LF, which is written with it. */
const heldReturnMilliseconds = 100;

/** lxc-attach clears the environment of the container's shell; this is what it gets instead. */
const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/root", TERM: "xterm-256color" };

export function createTerminals({ nextChannel, onData, onExited }: Events & { nextChannel: NextChannel }): Terminals {
  const terminals = new Map<number, Terminal>();

  const end = (channel: number) => {
    const terminal = terminals.get(channel);
    if (!terminal) return;
    terminals.delete(channel);
    terminal.input.end();
    // A paused reader would never see the end.
    terminal.resume();
    hangUpSessionInside(terminal.pty.pid);
    terminal.pty.kill("SIGHUP");
  };

  const find = (channel: number) => {
    const terminal = terminals.get(channel);
    if (!terminal) throw new ProblemError({ code: "not-found", what: "terminal" });
    return terminal;
  };

  return {
    processId: (channel) => find(channel).pty.pid,
    open({ file, args, addsReturns }, { columns, rows }, before) {
      if (terminals.size >= maxTerminals) throw new ProblemError({ code: "too-many-requests", limit: maxTerminals });
      const channel = nextChannel();
      const pty = spawn(file, args, { name: environment.TERM, cols: columns, rows, cwd: "/", env: environment, encoding: null });
      const { pause, resume, wasPaused } = pausable(pty);
      const credit = createCredit(pause, resume);
      const descriptor = descriptorOf(pty);
      const send = (bytes: Uint8Array) => {
        if (bytes.byteLength === 0 || !terminals.has(channel)) return;
        credit.sent(bytes.byteLength);
        onData(channel, bytes);
      };
      const asWritten = addsReturns ? undoReturns(`${basename(file)}: `, send, wasPaused) : { receive: send, flush() {} };
      const isListening = listensSoon(pty);
      terminals.set(channel, { pty, credit, input: createPtyInput({ ...descriptor, isListening }), isOpen: descriptor.isOpen, resume });
      if (before) setImmediate(send, before);
      // With `encoding: null` node-pty gives buffers, whatever its types say.
      pty.onData((data: string | Buffer) => {
        const bytes = typeof data === "string" ? Buffer.from(data) : data;
        asWritten.receive(bytes.byteLength > fewBytes && descriptor.isOpen() ? withMore(descriptor.fd, bytes) : bytes);
      });
      // node-pty tells it when it has closed the terminal, after the last output.
      pty.onExit(({ exitCode, signal }) => {
        terminals.get(channel)?.input.end();
        asWritten.flush();
        if (terminals.delete(channel)) onExited(channel, exitCode, signal || undefined);
      });
      return channel;
    },
    input(channel, bytes) {
      const terminal = terminals.get(channel);
      // Whatever runs there reads nothing, and half of what was typed would be worse than none: the shell ends.
      if (terminal && !terminal.input.write(bytes)) {
        terminal.input.end();
        terminal.resume();
        terminal.pty.kill("SIGHUP");
      }
    },
    acknowledge(channel, parsedBytes) {
      terminals.get(channel)?.credit.parsed(parsedBytes);
    },
    resize(channel, { columns, rows }) {
      const terminal = find(channel);
      if (terminal.isOpen()) terminal.pty.resize(columns, rows);
    },
    close: end,
    closeAll() {
      for (const channel of [...terminals.keys()]) end(channel);
    },
  };
}

/** The descriptor that node-pty reads from, which its types do not show, and whether it is still the terminal's. */
function descriptorOf(pty: IPty): Pick<Writable, "fd" | "isOpen"> {
  const { fd, _socket: socket } = pty as unknown as { fd: number; _socket: { destroyed: boolean } };
  return { fd, isOpen: () => !socket.destroyed };
}

/**
 * LXC's tools throw away what was typed before they have set up the terminal that they run on (`tcsetattr` with `TCSAFLUSH` in `lxc_setup_tios`
 * of LXC's src/lxc/terminal.c). lxc-attach does that before it starts a child, and lxc-console before it passes anything on.
 * @returns Whether they have.
 */
function listensSoon(pty: IPty): () => boolean {
  let listens = false;
  const startedAt = performance.now();
  const firstOutput = pty.onData(() => {
    listens = true;
    firstOutput.dispose();
  });
  return () => {
    listens ||= childrenOf(pty.pid).length > 0 || performance.now() - startedAt > longestDeafMilliseconds;
    return listens;
  };
}

/** The terminal gives at most 4 KiB at a time: all that waits is read, so that one message carries it. */
function withMore(fd: number, first: Uint8Array): Uint8Array {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  piece.set(first);
  let length = first.byteLength;
  try {
    for (let read = 1; read > 0 && length < pieceBytes; length += read) read = readSync(fd, piece, length, pieceBytes - length, null);
  } catch {
    // EAGAIN: that was all. Any other error comes again to who reads next.
  }
  return piece.subarray(0, length);
}

/**
 * Takes out the CR that our terminal has put before each LF.
 * @param ownPrefix How the tool's own messages begin. It writes them before anything of the container's, and their lines end in LF alone: they
 * need what the terminal adds.
 * @param wasPaused Whether nothing was read for a while, since this was asked last: then an LF may be waiting.
 */
function undoReturns(
  ownPrefix: string,
  send: (bytes: Uint8Array) => void,
  wasPaused: () => boolean,
): { receive(piece: Uint8Array): void; flush(): void } {
  const lineEnds = createLineEnds();
  let isOwn: boolean | undefined;
  let release: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(release);
    send(lineEnds.release());
  };
  const flushLater = () => {
    wasPaused();
    release = setTimeout(() => (wasPaused() ? flushLater() : flush()), heldReturnMilliseconds);
  };
  return {
    receive(piece) {
      isOwn ??= Buffer.from(piece.subarray(0, ownPrefix.length)).toString("latin1") === ownPrefix;
      if (isOwn) return send(piece);
      clearTimeout(release);
      send(lineEnds.undo(piece));
      if (lineEnds.holds()) flushLater();
    },
    flush,
  };
}

/**
 * The kernel tells only the shell and what is in the foreground that a terminal is gone, and not every shell passes that on to what it has
 * put into the background. A process gets into a session only as a child of one that is in it, so all of these are the container's.
 * @param attach What was started on the PTY; its child leads the session inside.
 */
function hangUpSessionInside(attach: number) {
  const sessions = new Set(childrenOf(attach).map((pid) => readProcessStat(pid)?.sessionId));
  sessions.delete(readProcessStat(attach)?.sessionId);
  if (sessions.size === 0) return;
  for (const pid of processIds()) {
    if (!sessions.has(readProcessStat(pid)?.sessionId)) continue;
    try {
      process.kill(pid, "SIGHUP");
    } catch {
      // It has just ended.
    }
  }
}

/** Pauses the PTY for as long as its process lives: what a dead one left in the kernel's buffer is small, and must not be lost. */
function pausable(pty: IPty): { pause(): void; resume(): void; wasPaused(): boolean } {
  let check: NodeJS.Timeout | undefined;
  let isPaused = false;
  let hasPaused = false;
  const resume = () => {
    isPaused = false;
    clearInterval(check);
    pty.resume();
  };
  const pause = () => {
    isPaused = true;
    hasPaused = true;
    pty.pause();
    check = setInterval(() => {
      if (!existsSync(`/proc/${pty.pid}`)) resume();
    }, pausedCheckMilliseconds);
  };
  const wasPaused = () => {
    const answer = hasPaused;
    hasPaused = isPaused;
    return answer;
  };
  return { pause, resume, wasPaused };
}
