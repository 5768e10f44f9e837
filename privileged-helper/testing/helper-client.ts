import { type ChildProcessByStdio, spawn } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { build } from "esbuild";
import { type EventName, type Events, heartbeatEveryMilliseconds } from "../contract/events.ts";
import type { MethodName, ParamsInputOf, ResultOf } from "../contract/methods.ts";
import { helperNodeOptions } from "../contract/node-options.ts";
import { createFrameReader, encodeFrame } from "../wire/frames.ts";
import { createPeer } from "../wire/peer.ts";
import type { Port } from "../wire/port.ts";

export type HelperClient = {
  pid: number;
  call<M extends MethodName>(method: M, params: ParamsInputOf<M>): Promise<ResultOf<M>>;
  /** The same with whatever a broken or hostile host might send. */
  callRaw(method: string, params: unknown, signal?: AbortSignal): Promise<unknown>;
  notify(method: string, params: unknown): void;
  on<E extends EventName>(event: E, listener: (params: Events[E]) => void): void;
  /** Called with every terminal's output. */
  onData(listener: (channel: number, bytes: Uint8Array) => void): void;
  sendData(channel: number, bytes: Uint8Array): void;
  /** Bytes as they are, framed or not. */
  write(bytes: Uint8Array): void;
  /** Resolves to its exit code. */
  exited: Promise<number | null>;
  /** Ends its input and waits for its end. */
  close(): Promise<void>;
};

/**
 * A helper in root mode on a folder of containers of its own.
 * @param script The bundled helper.
 * @param around A command that runs the one that is appended to it, elsewhere.
 */
export function startHelper(script: string, lxcPath: string, around: readonly string[] = []): HelperClient {
  return startAnyHelper([...around, process.execPath, ...helperNodeOptions, script, "root", `--lxcpath=${lxcPath}`]);
}

/** Whatever helper a command starts, spoken to as the host does: frames over its standard streams. */
export function startAnyHelper(command: readonly string[]): HelperClient {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let onData: (channel: number, bytes: Uint8Array) => void = () => {};
  const listeners = new Map<string, ((params: never) => void)[]>();
  const peer = createPeer(portOf(child), {
    onCall: async () => undefined,
    onNotification: (method, params) => {
      for (const listener of listeners.get(method) ?? []) listener(params as never);
    },
    onData: (channel, bytes) => onData(channel, bytes),
    onClose: () => {},
  });
  // A helper that has just ended reads no more.
  child.stdin.on("error", () => {});
  const heartbeat = setInterval(() => peer.notify("heartbeat", {}), heartbeatEveryMilliseconds);
  void exited.then(() => clearInterval(heartbeat));
  return {
    pid: child.pid ?? 0,
    call: (method, params) => peer.call(method, params) as never,
    callRaw: (method, params, signal) => peer.call(method, params, signal),
    notify: (method, params) => peer.notify(method, params),
    onData(listener) {
      onData = listener;
    },
    sendData: (channel, bytes) => peer.sendData(channel, bytes),
    write: (bytes) => child.stdin.write(bytes),
    exited,
    on(event, listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}

function portOf(child: ChildProcessByStdio<Writable, Readable, null>): Port {
  return {
    send: (message) => child.stdin.write(encodeFrame(message)),
    onMessage: (listener) => child.stdout.on("data", createFrameReader(listener)),
    onClose: (listener) => child.once("exit", () => listener("the helper ended")),
    close: () => child.stdin.end(),
  };
}

/**
 * Bundles the helper from its sources, as the build does.
 * @param main Another program that is made of the helper's parts.
 * @returns The script's path, in a folder that is to be removed.
 */
export async function bundleHelper(folder: string, main = join(import.meta.dirname, "../main.ts")): Promise<string> {
  const script = join(folder, "main.cjs");
  await build({
    entryPoints: {
      main,
      "shift-owners": join(import.meta.dirname, "../lxc/shift-owners-main.ts"),
      "convert-owners": join(import.meta.dirname, "../lxc/convert-owners-main.ts"),
      "image-unpack": join(import.meta.dirname, "../lxc/image-unpack-main.ts"),
    },
    outdir: folder,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["node-pty"],
    define: { APP_VERSION: '"0.0.0-test"', "import.meta.dirname": "__dirname" },
    logLevel: "error",
  });
  // The addon is found beside the script, as in the installed helper.
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
  return script;
}
