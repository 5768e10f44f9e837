import type { EventName, Events } from "../../privileged-helper/contract/events.ts";
import type { HostMethodName, HostMethods, MethodName, ParamsInputOf, ResultOf } from "../../privileged-helper/contract/methods.ts";
import { createPeer, type PeerHandlers } from "../../privileged-helper/wire/peer.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";

type AnyMethod = MethodName | HostMethodName;
type ParamsOf<M extends AnyMethod> = M extends MethodName
  ? ParamsInputOf<M>
  : M extends HostMethodName
    ? HostMethods[M]["params"]["_zod"]["input"]
    : never;
type AnyResultOf<M extends AnyMethod> = M extends MethodName ? ResultOf<M> : M extends HostMethodName ? HostMethods[M]["result"] : never;

/** The page's way to the host and the helper behind it. */
export type Client = {
  /** @throws ProblemError */
  call<M extends AnyMethod>(method: M, params: ParamsOf<M>, options?: { signal?: AbortSignal }): Promise<AnyResultOf<M>>;
  /** @returns A function that ends the listening. */
  on<E extends EventName>(event: E, listener: (params: Events[E]) => void): () => void;
  /** Tells how many bytes of a terminal's output were parsed in all, so that more may come. */
  acknowledge(channel: number, bytes: number): void;
  /** Raw bytes of a terminal. What comes before somebody listens is kept. */
  openChannel(channel: number, onBytes: (bytes: Uint8Array) => void): { send(bytes: Uint8Array): void; close(): void };
};

/** Longer input is cut: the helper refuses long messages. */
const maxInputBytes = 32 * 1024;
/** Output of a terminal that is just being opened may come before the answer that names its channel. */
const maxEarlyBytes = 1024 * 1024;

/** @param onClosed Called once when the connection is gone. */
export function createClient(port: Port, onClosed: (reason: string) => void): Client {
  const listeners = new Map<string, Set<(params: never) => void>>();
  const channels = new Map<number, (bytes: Uint8Array) => void>();
  const early = new Map<number, { pieces: Uint8Array[]; bytes: number }>();
  const handlers: PeerHandlers = {
    onCall: async () => undefined,
    onNotification(method, params) {
      for (const listener of [...(listeners.get(method) ?? [])]) listener(params as never);
    },
    onData(channel, payload) {
      const receive = channels.get(channel);
      if (receive) return receive(payload);
      const kept = early.get(channel) ?? { pieces: [], bytes: 0 };
      if (kept.bytes + payload.length > maxEarlyBytes) return;
      kept.pieces.push(payload.slice());
      kept.bytes += payload.length;
      early.set(channel, kept);
    },
    onClose: onClosed,
  };
  // A call that was cut off has not failed: what it began may go on, and the lost connection is shown by itself.
  const peer = createPeer(port, handlers, { closeProblem: () => ({ code: "cancelled" }) });
  return {
    call: (method, params, options) => peer.call(method, params, options?.signal) as never,
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      set.add(listener as (params: never) => void);
      listeners.set(event, set);
      return () => set.delete(listener as (params: never) => void);
    },
    acknowledge: (channel, bytes) => peer.notify("terminal.ack", { channel, bytes }),
    openChannel(channel, onBytes) {
      channels.set(channel, onBytes);
      for (const piece of early.get(channel)?.pieces ?? []) onBytes(piece);
      early.delete(channel);
      return {
        send(bytes) {
          for (let start = 0; start < bytes.length; start += maxInputBytes)
            peer.sendData(channel, bytes.subarray(start, start + maxInputBytes));
        },
        close() {
          channels.delete(channel);
        },
      };
    },
  };
}
