import { type Problem, ProblemError, toProblem } from "../contract/problems.ts";
import { decodeMessage, encodeMessage } from "./frames.ts";
import type { Port } from "./port.ts";

/**
 * JSON-RPC 2.0 on channel 0 of a port, raw bytes on the others. Both ends are the same. A call can be cancelled
 * (`$/cancel`), and still gets exactly one reply. When the port closes, every pending call is rejected and every handler
 * that still runs is aborted. Batches are not spoken.
 */
export type PeerHandlers = {
  /** Answers a call; what it throws becomes the reply's problem. `signal` aborts on cancel and on close. */
  onCall(method: string, params: unknown, signal: AbortSignal): Promise<unknown>;
  onNotification(method: string, params: unknown): void;
  /** Raw bytes of a channel other than 0. */
  onData(channel: number, payload: Uint8Array): void;
  /** `trusted` is false when the other side broke the protocol. */
  onClose(reason: string, trusted: boolean): void;
};

/** The reason of a handler's `signal` where nobody cancelled, but whoever asked is gone. */
export const connectionClosed = Symbol("the connection is closed");

export type Peer = {
  /** @throws ProblemError: the other side's problem, `cancelled`, or what `closeProblem` says. */
  call(method: string, params: unknown, signal?: AbortSignal): Promise<unknown>;
  notify(method: string, params: unknown): void;
  sendData(channel: number, payload: Uint8Array): void;
  close(reason?: string): void;
};

export type PeerOptions = {
  /** What pending calls are rejected with when the port closes. */
  closeProblem?: (reason: string) => Problem;
  /** Calls of the other side that may run at once. */
  maxRunningCalls?: number;
  /** Methods that are let in above the limit: the ones that end things. */
  unlimitedMethods?: ReadonlySet<string>;
  /** The longest message that is accepted from the other side. */
  maxReceivedBytes?: number;
};

type Pending = { resolve(result: unknown): void; reject(error: Error): void; cleanUp(): void };

const defaultMaxRunningCalls = 64;
const maxIdLength = 64;

export function createPeer(port: Port, handlers: PeerHandlers, options: PeerOptions = {}): Peer {
  const { maxRunningCalls = defaultMaxRunningCalls, unlimitedMethods = new Set() } = options;
  const closeProblem = options.closeProblem ?? ((reason: string): Problem => ({ code: "helper-lost", detail: reason }));
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const pending = new Map<number, Pending>();
  const running = new Map<string | number, AbortController>();
  let nextId = 1;
  let closed: string | undefined;

  const sendJson = (value: unknown) => {
    if (closed === undefined) port.send(encodeMessage(0, encoder.encode(JSON.stringify(value))));
  };

  const finish = (reason: string, trusted: boolean) => {
    if (closed !== undefined) return;
    closed = reason;
    for (const controller of running.values()) controller.abort(connectionClosed);
    running.clear();
    for (const call of [...pending.values()]) {
      call.cleanUp();
      call.reject(new ProblemError(closeProblem(reason)));
    }
    pending.clear();
    handlers.onClose(reason, trusted);
  };

  const breakOff = (reason: string) => {
    finish(reason, false);
    port.close(reason);
  };

  port.onClose((reason) => finish(reason, true));
  port.onMessage((bytes) => {
    if (closed !== undefined) return;
    let message: unknown;
    try {
      const { channel, payload } = decodeMessage(bytes, options.maxReceivedBytes);
      if (channel !== 0) {
        handlers.onData(channel, payload);
        return;
      }
      message = JSON.parse(decoder.decode(payload));
    } catch (error) {
      breakOff(`protocol error: ${error instanceof Error ? error.message : "unreadable"}`);
      return;
    }
    if (!isRecord(message) || message.jsonrpc !== "2.0") breakOff("protocol error: not JSON-RPC 2.0");
    else if (typeof message.method === "string" && "id" in message) receiveCall(message.id, message.method, message.params);
    else if (typeof message.method === "string") receiveNotification(message.method, message.params);
    else if (typeof message.id === "number") receiveReply(message.id, message);
    else breakOff("protocol error: neither call nor reply");
  });

  function receiveCall(id: unknown, method: string, params: unknown) {
    if (!(typeof id === "number" && Number.isFinite(id)) && !(typeof id === "string" && id.length <= maxIdLength)) {
      breakOff("protocol error: bad id");
      return;
    }
    if (running.has(id)) {
      breakOff("protocol error: id used twice");
      return;
    }
    if (running.size >= maxRunningCalls && !unlimitedMethods.has(method)) {
      sendJson(errorReply(id, { code: "too-many-requests", limit: maxRunningCalls }));
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    const reply = (value: unknown) => {
      if (!running.delete(id)) return;
      sendJson(value);
    };
    // A handler that throws before its first await is a failed call, too.
    new Promise((resolve) => resolve(handlers.onCall(method, params, controller.signal))).then(
      (result) => reply({ jsonrpc: "2.0", id, result: result ?? {} }),
      (thrown) => reply(errorReply(id, toProblem(thrown))),
    );
  }

  function receiveNotification(method: string, params: unknown) {
    if (method === "$/cancel") {
      const id = isRecord(params) ? params.id : undefined;
      if (typeof id === "number" || typeof id === "string") running.get(id)?.abort();
      return;
    }
    handlers.onNotification(method, params);
  }

  function receiveReply(id: number, message: Record<string, unknown>) {
    const call = pending.get(id);
    if (!call) return;
    pending.delete(id);
    call.cleanUp();
    if (isRecord(message.error)) call.reject(new ProblemError(problemOf(message.error)));
    else call.resolve(message.result);
  }

  return {
    call(method, params, signal) {
      return new Promise((resolve, reject) => {
        if (closed !== undefined) return reject(new ProblemError(closeProblem(closed)));
        if (signal?.aborted) return reject(new ProblemError({ code: "cancelled" }));
        const id = nextId++;
        const cancel = () => sendJson({ jsonrpc: "2.0", method: "$/cancel", params: { id } });
        signal?.addEventListener("abort", cancel, { once: true });
        pending.set(id, { resolve, reject, cleanUp: () => signal?.removeEventListener("abort", cancel) });
        sendJson({ jsonrpc: "2.0", id, method, params });
      });
    },
    notify(method, params) {
      sendJson({ jsonrpc: "2.0", method, params });
    },
    sendData(channel, payload) {
      if (closed === undefined) port.send(encodeMessage(channel, payload));
    },
    close(reason = "closed") {
      finish(reason, true);
      port.close(reason);
    },
  };
}

/** Application errors of JSON-RPC 2.0 are -32000 and below; the problem is the data. */
function errorReply(id: string | number, problem: Problem) {
  return { jsonrpc: "2.0", id, error: { code: -32000, message: problem.code, data: problem } };
}

/** The side that answers has more privilege or is ours, so its problem is taken as it is; only its presence is checked. */
function problemOf(error: Record<string, unknown>): Problem {
  if (isRecord(error.data) && typeof error.data.code === "string") return error.data as Problem;
  return { code: "internal", detail: String(error.message ?? "error without data").slice(0, 4096) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
