import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { type EventName, type Events, heartbeatEveryMilliseconds } from "../../privileged-helper/contract/events.ts";
import type { MethodName, ParamsInputOf, ResultOf } from "../../privileged-helper/contract/methods.ts";
import { createFrameReader, encodeFrame } from "../../privileged-helper/wire/frames.ts";
import { createPeer } from "../../privileged-helper/wire/peer.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";

export type HelperClient = {
  pid: number;
  call<M extends MethodName>(method: M, params: ParamsInputOf<M>): Promise<ResultOf<M>>;
  on<E extends EventName>(event: E, listener: (params: Events[E]) => void): void;
  close(): Promise<void>;
};

/** The built helper in root mode, with the options that its launcher gives it, on a folder of its own, spoken to as the host does: frames over its standard streams. */
export function startHelper(lxcPath: string): HelperClient {
  const child = spawn(process.execPath, ["--max-semi-space-size=1", "dist/helper/main.cjs", "root", `--lxcpath=${lxcPath}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const listeners = new Map<string, ((params: never) => void)[]>();
  const peer = createPeer(portOf(child), {
    onCall: async () => undefined,
    onNotification: (method, params) => {
      for (const listener of listeners.get(method) ?? []) listener(params as never);
    },
    onData: () => {},
    onClose: () => {},
  });
  const heartbeat = setInterval(() => peer.notify("heartbeat", {}), heartbeatEveryMilliseconds);
  return {
    pid: child.pid ?? 0,
    call: (method, params) => peer.call(method, params) as never,
    on(event, listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
    async close() {
      clearInterval(heartbeat);
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
