import {
  downNotifications,
  heartbeatEveryMilliseconds,
  hello,
  helloNotification,
  protocolVersion,
} from "../../privileged-helper/contract/events.ts";
import { type HostMethodName, hostMethods, methods } from "../../privileged-helper/contract/methods.ts";
import type { Session } from "../../privileged-helper/contract/model.ts";
import { type InstalledAs, type Problem, ProblemError, toProblem } from "../../privileged-helper/contract/problems.ts";
import { maxRequestBytes } from "../../privileged-helper/wire/frames.ts";
import { createPeer, type Peer } from "../../privileged-helper/wire/peer.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";
import type { HelperEnd, HelperProcess } from "./helper-process.ts";
import type { HelperLauncher } from "./launch-helper.ts";
import { createSettings } from "./settings.ts";

/**
 * The host's middle: a page on one side, a helper on the other. It answers what is the person's own (session, settings), passes
 * on what the contract knows, and keeps a helper running as long as the person has not given the rights back.
 */
export type Backend = {
  /** A page's connection. The page before this one is closed: one at a time. */
  accept(port: Port): void;
  /** Ends everything. Resolves once the helper has ended. */
  close(): Promise<void>;
};

export type BackendOptions = { version: string; launch: HelperLauncher; settingsPath: string; installedAs: InstalledAs };

/** Why a page's port is closed when another page takes its place. */
export const takenOver = "taken over by another page";

const helloWithinMilliseconds = 15_000;
const helloCheckMilliseconds = 250;
/** A helper that dies sooner than this after its start would only die again. */
const quickDeathMilliseconds = 10_000;
/** The helper finishes or undoes what it has half done before it ends; this is longer than that takes. */
const endWithinMilliseconds = 30_000;
const minuteMilliseconds = 60_000;

type Helper = { process: HelperProcess; peer: Peer; heartbeat: NodeJS.Timeout };

export function createBackend({ version, launch, settingsPath, installedAs }: BackendOptions): Backend {
  const settings = createSettings(settingsPath);
  let session: Session = { state: "starting" };
  let epoch = 0;
  let page: Peer | undefined;
  let helper: Helper | undefined;
  let starting: HelperProcess | undefined;
  let connecting: Promise<void> | undefined;
  let ending: Promise<unknown> = Promise.resolve();
  let closed = false;
  let callsUnderWay = 0;
  let lastUse = performance.now();

  const setSession = (next: Session) => {
    session = next;
    page?.notify("session.changed", session);
  };
  const fail = (problem: Problem, retrying = false) => setSession({ state: "failed", problem, retrying });

  /** One attempt at a time; whoever wants a helper meanwhile waits for the same one. */
  const connect = (): Promise<void> => {
    if (helper) return Promise.resolve();
    connecting ??= start()
      .catch((error: unknown) => {
        if (!closed) fail(toProblem(error));
        throw error;
      })
      .finally(() => {
        connecting = undefined;
      });
    // Those that wait are told; when nobody waits, the session says it.
    connecting.catch(() => {});
    return connecting;
  };

  const start = async () => {
    if (session.state !== "failed" || !session.retrying) setSession({ state: "starting" });
    await ending;
    const { process, mayBeAsking, explainEnd } = await launch();
    ending = process.ended;
    if (closed) {
      process.end();
      throw new ProblemError({ code: "cancelled" });
    }
    starting = process;
    if (mayBeAsking()) setSession({ state: "authenticating" });
    const startedAt = performance.now();
    let isReady = false;
    let refuse: (problem: Problem) => void = () => {};
    let sayHello: (params: unknown) => void = () => {};
    const greeted = new Promise<unknown>((resolve, reject) => {
      sayHello = resolve;
      refuse = (problem) => reject(new ProblemError(problem));
    });
    const peer = createPeer(process.port, {
      onCall: async (method) => {
        throw new ProblemError({ code: "invalid-request", issues: [{ path: "method", message: `the host answers no ${method}` }] });
      },
      onNotification(method, params) {
        if (method === helloNotification) sayHello(params);
        else if (isReady) page?.notify(method, params);
      },
      onData: (channel, payload) => page?.sendData(channel, payload),
      onClose(reason) {
        if (!isReady) void process.ended.then(async (end: HelperEnd) => refuse(await explainEnd(end)));
        else onHelperLost(reason, startedAt);
      },
    });
    const patience = watchPatience(mayBeAsking, () => {
      refuse({ code: "helper-lost", detail: "It was started and did not answer." });
      peer.close("no hello");
    });
    try {
      const parsed = hello.safeParse(await greeted);
      const theirs = parsed.success ? parsed.data : undefined;
      if (theirs?.version !== version || theirs.protocol !== protocolVersion) {
        peer.close("another version");
        throw new ProblemError({ code: "version-mismatch", app: version, helper: theirs?.version ?? "unknown", installedAs });
      }
      if (closed) {
        peer.close("the app ends");
        throw new ProblemError({ code: "cancelled" });
      }
      isReady = true;
      const heartbeat = setInterval(() => peer.notify("heartbeat", {}), heartbeatEveryMilliseconds);
      helper = { process, peer, heartbeat };
      epoch += 1;
      lastUse = performance.now();
      setSession({ state: "ready", mode: theirs.mode, version: theirs.version, epoch });
    } finally {
      starting = undefined;
      clearInterval(patience);
    }
  };

  const forgetHelper = () => {
    if (helper) clearInterval(helper.heartbeat);
    helper = undefined;
  };

  const onHelperLost = (reason: string, startedAt: number) => {
    if (!helper) return;
    forgetHelper();
    if (closed) return;
    const problem: Problem = { code: "helper-lost", detail: reason.slice(0, 4096) };
    const again = performance.now() - startedAt > quickDeathMilliseconds;
    fail(problem, again);
    if (again) void connect().catch(() => {});
  };

  const lock = () => {
    const ended = helper;
    forgetHelper();
    fail({ code: "locked" });
    ended?.peer.close("locked");
  };

  const answers: Record<HostMethodName, (params: never) => unknown> = {
    "session.get": () => session,
    "session.connect": () => connect(),
    "session.lock": () => lock(),
    "settings.get": () => settings.get(),
    "settings.set": (change: Parameters<typeof settings.set>[0]) => settings.set(change),
  };

  const onCall = async (method: string, params: unknown, signal: AbortSignal): Promise<unknown> => {
    if (Object.hasOwn(hostMethods, method)) {
      const name = method as HostMethodName;
      const parsed = hostMethods[name].params.safeParse(params ?? {});
      if (!parsed.success) {
        const issues = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join("."), message }));
        throw new ProblemError({ code: "invalid-request", issues });
      }
      return answers[name](parsed.data as never);
    }
    if (!Object.hasOwn(methods, method)) {
      throw new ProblemError({ code: "invalid-request", issues: [{ path: "method", message: "unknown method" }] });
    }
    lastUse = performance.now();
    if (!helper && session.state === "failed" && !session.retrying) throw new ProblemError(session.problem);
    if (!helper) await aborted(connect(), signal);
    if (!helper)
      throw new ProblemError(session.state === "failed" ? session.problem : { code: "helper-lost", detail: "It has just ended." });
    callsUnderWay += 1;
    try {
      return await helper.peer.call(method, params, signal);
    } finally {
      callsUnderWay -= 1;
    }
  };

  const idle = setInterval(() => {
    const { lockAfterMinutes } = settings.get();
    if (!helper || lockAfterMinutes === 0 || callsUnderWay > 0) return;
    if (performance.now() - lastUse > lockAfterMinutes * minuteMilliseconds) lock();
  }, minuteMilliseconds / 6);

  void connect().catch(() => {});

  return {
    accept(port) {
      const before = page;
      page = undefined;
      before?.close(takenOver);
      helper?.peer.notify("reset", {});
      const peer = createPeer(
        port,
        {
          onCall,
          onNotification(method, params) {
            if (method !== "terminal.ack" || !downNotifications["terminal.ack"].safeParse(params).success) return;
            helper?.peer.notify(method, params);
          },
          onData(channel, payload) {
            lastUse = performance.now();
            helper?.peer.sendData(channel, payload);
          },
          onClose() {
            if (page !== peer) return;
            page = undefined;
            // Nobody looks any more: nothing is watched, no terminal stays open.
            helper?.peer.notify("reset", {});
          },
        },
        { maxReceivedBytes: maxRequestBytes },
      );
      page = peer;
      peer.notify("session.changed", session);
    },
    async close() {
      closed = true;
      clearInterval(idle);
      page?.close("the app ends");
      page = undefined;
      const last = helper;
      forgetHelper();
      last?.peer.close("the app ends");
      // One that is still being started, or asks for a password, ends as soon as there is something to end.
      starting?.end();
      await connecting?.catch(() => {});
      await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, endWithinMilliseconds).unref())]);
    },
  };
}

/** Calls `onLost` when a helper that nobody is asked a password for any more says nothing. */
function watchPatience(mayBeAsking: () => boolean, onLost: () => void): NodeJS.Timeout {
  let since: number | undefined;
  return setInterval(() => {
    if (mayBeAsking()) {
      since = undefined;
      return;
    }
    since ??= performance.now();
    if (performance.now() - since > helloWithinMilliseconds) onLost();
  }, helloCheckMilliseconds);
}

/** A page that cancels its call does not wait for a helper any longer. */
function aborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new ProblemError({ code: "cancelled" }));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
