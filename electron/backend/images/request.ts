import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { HttpsProxyAgent } from "https-proxy-agent";
import { isLoopbackHost } from "../../../privileged-helper/contract/image-servers.ts";
import { type Problem, ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { proxyFor } from "./proxy.ts";

/**
 * Requests to image servers, with Node's own client: its streams cost less than fetch's where hundreds of megabytes pass.
 * What a server says is believed only as far as it can do no harm.
 */
export type RequestOptions = {
  method?: "GET" | "HEAD";
  headers?: Record<string, string>;
  signal: AbortSignal;
  /** A server that is silent for so long does not answer any more. */
  stallMilliseconds: number;
  /** Uses connections again: for many small requests. */
  agents?: Agents;
};
export type Agents = { http: HttpAgent; https: HttpsAgent };
export type ServerResponse = { response: IncomingMessage; url: URL };
export type DownloadFailure = Extract<Problem, { code: "download-failed" }>["reason"];

const maxRedirects = 5;

/** An error as everybody here reports it. */
export function downloadFailed(url: URL, reason: DownloadFailure, detail: string): ProblemError {
  return new ProblemError({ code: "download-failed", url: url.href.slice(0, 2048), reason, detail: detail.slice(0, 2048) });
}

/**
 * The answer's head; its body has not been read yet.
 * @throws ProblemError `download-failed` where nobody answers in time, or a redirect leads where it may not; `cancelled`.
 */
export async function request(start: URL, options: RequestOptions): Promise<ServerResponse> {
  let url = start;
  for (let redirects = 0; ; redirects++) {
    const response = await requestOnce(url, options);
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return { response, url };
    response.destroy();
    if (redirects >= maxRedirects) throw downloadFailed(start, "refused", "It redirects in circles.");
    url = redirectTarget(start, url, headers.location);
  }
}

/**
 * Only https, except for a server on this computer, which may stay on this computer.
 * @throws ProblemError `download-failed` with `unsafe-redirect`.
 */
export function redirectTarget(start: URL, from: URL, location: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  const isLocal = to?.protocol === "http:" && start.protocol === "http:" && isLoopbackHost(to.hostname);
  if (to && (to.protocol === "https:" || isLocal)) return to;
  throw downloadFailed(start, "unsafe-redirect", `It redirects to ${location.slice(0, 500)}`);
}

function requestOnce(url: URL, { method = "GET", headers, signal, stallMilliseconds, agents }: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new ProblemError({ code: "cancelled" }));
    const isHttps = url.protocol === "https:";
    // A request has no socket, and does not end, before the proxy has let it through.
    const ends = new AbortController();
    const proxy = readProxy(url);
    const start = isHttps ? requestHttps : requestHttp;
    const outgoing = start(url, {
      method,
      // Compressed on the way it would have another length than the file.
      headers: { "accept-encoding": "identity", "user-agent": "lxc-desktop", ...headers },
      agent: proxy
        ? new HttpsProxyAgent(proxy, { signal: AbortSignal.any([signal, ends.signal]) })
        : agents
          ? isHttps
            ? agents.https
            : agents.http
          : false,
      signal,
    });
    let stalled: ProblemError | undefined;
    const stall = createStallTimer(url, stallMilliseconds, (error) => {
      stalled = error;
      outgoing.destroy(error);
      ends.abort();
    });
    stall.start();
    // What a proxy says instead of letting us through is no answer of the server's.
    outgoing.once("proxyConnect", ({ statusCode, statusText }: ConnectResponse) => {
      if (statusCode === 200) return;
      outgoing.destroy(downloadFailed(url, "unreachable", `The proxy ${proxy?.host} answers ${statusCode} ${statusText}`.trim()));
    });
    outgoing.once("close", () => ends.abort());
    outgoing.once("response", (response) => {
      stall.stop();
      // Whoever reads it hears of errors; before that nobody does.
      response.on("error", () => {});
      resolve(response);
    });
    outgoing.on("error", (error) => {
      stall.stop();
      const problem = error instanceof ProblemError ? error : unreachable(url, error);
      reject(stalled ?? (signal.aborted ? new ProblemError({ code: "cancelled" }) : problem));
    });
    outgoing.end();
  });
}

type ConnectResponse = { statusCode: number; statusText: string };

function readProxy(url: URL): URL | undefined {
  try {
    return proxyFor(url);
  } catch (error) {
    throw downloadFailed(url, "unreachable", `The proxy that HTTPS_PROXY names cannot be used: ${reasonOf(error)}`);
  }
}

export type StallTimer = { start(): void; stop(): void };

/** Runs while something is awaited of a server. */
export function createStallTimer(url: URL, milliseconds: number, onStalled: (error: ProblemError) => void): StallTimer {
  let timer: NodeJS.Timeout | undefined;
  return {
    start() {
      clearTimeout(timer);
      timer = setTimeout(() => onStalled(downloadFailed(url, "stalled", `Nothing came for ${milliseconds / 1000} seconds.`)), milliseconds);
    },
    stop: () => clearTimeout(timer),
  };
}

/**
 * A small document as a text.
 * @returns undefined where the server has none.
 * @throws ProblemError `download-failed`, also where it is longer than that; `cancelled`.
 */
export async function requestText(start: URL, maxBytes: number, options: RequestOptions): Promise<string | undefined> {
  const { response, url } = await request(start, options);
  try {
    if (response.statusCode === 404 || response.statusCode === 410) return undefined;
    if (response.statusCode !== 200) throw refused(url, response);
    const stall = createStallTimer(url, options.stallMilliseconds, (error) => response.destroy(error));
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      stall.start();
      for await (const piece of response as AsyncIterable<Buffer>) {
        stall.start();
        bytes += piece.length;
        if (bytes > maxBytes) throw downloadFailed(url, "too-large", `It is longer than ${maxBytes} bytes.`);
        pieces.push(piece);
      }
    } catch (error) {
      throw bodyProblem(url, error, options.signal);
    } finally {
      stall.stop();
    }
    return Buffer.concat(pieces).toString("utf8");
  } finally {
    response.destroy();
  }
}

export function refused(url: URL, { statusCode, statusMessage = "" }: IncomingMessage): ProblemError {
  return downloadFailed(
    url,
    statusCode === 404 || statusCode === 410 ? "gone" : "refused",
    `It answers ${statusCode} ${statusMessage}`.trim(),
  );
}

/** What an error means that came while a body was read. */
export function bodyProblem(url: URL, error: unknown, signal: AbortSignal): Error {
  if (error instanceof ProblemError) return error;
  if (signal.aborted) return new ProblemError({ code: "cancelled" });
  return downloadFailed(url, "broken-off", reasonOf(error));
}

function unreachable(url: URL, error: Error): ProblemError {
  return downloadFailed(url, "unreachable", reasonOf(error));
}

/** Where several addresses were tried in vain, the error of the first one says more than that all failed. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message || first.name : String(first);
}

export function createAgents(connections: number): Agents {
  return {
    http: new HttpAgent({ keepAlive: true, maxSockets: connections }),
    https: new HttpsAgent({ keepAlive: true, maxSockets: connections }),
  };
}
