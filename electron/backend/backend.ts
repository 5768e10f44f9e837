import { statSync } from "node:fs";
import { join } from "node:path";
import type * as z from "zod";
import {
  downNotifications,
  type EventName,
  type Events,
  heartbeatEveryMilliseconds,
  hello,
  helloNotification,
  protocolVersion,
} from "../../privileged-helper/contract/events.ts";
import {
  type HostMethodName,
  type HostMethods,
  hostMethods,
  type MethodName,
  methods,
  methodsForHost,
  type ParamsInputOf,
  type ResultOf,
} from "../../privileged-helper/contract/methods.ts";
import type { ContainersChanged, Rights, Session, SettingsChange, TasksChanged } from "../../privileged-helper/contract/model.ts";
import { type InstalledAs, type Problem, ProblemError, toProblem } from "../../privileged-helper/contract/problems.ts";
import { maxRequestBytes } from "../../privileged-helper/wire/frames.ts";
import { connectionClosed, createPeer, type Peer } from "../../privileged-helper/wire/peer.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";
import type { Notify } from "./alerts/alerts.ts";
import type { HelperEnd, HelperProcess } from "./helper-process.ts";
import { createHostTasks } from "./host-tasks.ts";
import { createContainersOfImages } from "./images/containers-of-images.ts";
import { createImages } from "./images/images.ts";
import type { HelperLauncher } from "./launch-helper.ts";
import { createChosenFiles } from "./oci/chosen-files.ts";
import { createPast } from "./past.ts";
import { createProfiles, profilesPath } from "./profiles.ts";
import { createPolkitRights, type PolkitRights } from "./rights.ts";
import { createSettings } from "./settings.ts";
import { listPublicKeys } from "./ssh-keys.ts";
import { takenOver } from "./taken-over.ts";
import { createTaskList } from "./task-list.ts";
import { createKeptTerminals, kindOf } from "./terminals/kept-terminals.ts";
import { createUploads } from "./uploads.ts";

/**
 * The host's middle: pages on one side, a helper on the other. It answers what is the person's own (session, settings, profiles, downloads, files that become images), passes
 * on what the contract knows, and keeps a helper running as long as the person has not given the rights back.
 */
export type Backend = {
  /**
   * A page's connection. One page at a time shows the app, so the one before it is closed; of windows that show one terminal there may be
   * several beside it.
   */
  accept(port: Port, kind?: PageKind): void;
  /** Ends everything. Resolves once the helper has ended. */
  close(): Promise<void>;
};

export type PageKind = "app" | "terminal-window";

export type BackendOptions = {
  version: string;
  launch: HelperLauncher;
  settingsPath: string;
  cacheFolder: string;
  /** Where the history is kept. */
  stateFolder: string;
  installedAs: InstalledAs;
  /** Absent where only the page can tell of anything. */
  notify?: Notify | Promise<Notify | undefined>;
  rights?: PolkitRights;
  /** So long after the last page is gone another one is waited for, until the terminals end. */
  abandonAfterMilliseconds?: number;
};

/** A window that is loaded anew, or whose renderer has crashed, is back much sooner. */
const defaultAbandonAfterMilliseconds = 60_000;
const helloWithinMilliseconds = 15_000;
const helloCheckMilliseconds = 250;
/** A helper that dies sooner than this after its start would only die again. */
const quickDeathMilliseconds = 10_000;
/** The helper finishes or undoes what it has half done before it ends; this is longer than that takes. */
const endWithinMilliseconds = 30_000;
const minuteMilliseconds = 60_000;
/** More than anybody has in sight. */
const maxTerminalWindows = 32;

/** All that a terminal's window has a use for. */
const methodsOfTerminalWindow: ReadonlySet<string> = new Set<MethodName | HostMethodName>([
  "session.get",
  "session.connect",
  "settings.get",
  "settings.set",
  "containers.watch",
  "containers.unwatch",
  "containers.start",
  "containers.unfreeze",
  "terminals.list",
  "terminals.attach",
  "terminals.detach",
  "terminals.checkpoint",
  "terminal.open",
  "terminal.resize",
  "terminal.close",
  "terminal.upload",
  "terminal.finishUpload",
]);
const eventsOfTerminalWindow: ReadonlySet<string> = new Set<EventName>(["session.changed", "terminal.exited", "uploads.written"]);
/** Far ahead of every revision: whoever follows them takes a new snapshot. */
const anewRevision = Number.MAX_SAFE_INTEGER;

type Helper = { process: HelperProcess; peer: Peer; heartbeat: NodeJS.Timeout };

export function createBackend(options: BackendOptions): Backend {
  const { version, launch, settingsPath, cacheFolder, installedAs, abandonAfterMilliseconds = defaultAbandonAfterMilliseconds } = options;
  const { rights = createPolkitRights() } = options;
  const settings = createSettings(settingsPath);
  const profiles = createProfiles(profilesPath(settingsPath));
  const hostTasks = createHostTasks();
  const images = createImages({ cacheFolder, settings: settings.get, tasks: hostTasks });
  const { catalog, downloads } = images;
  const uploads = createUploads();
  const chosenFiles = createChosenFiles(join(cacheFolder, "chosen"), (channel, bytes) => tell("uploads.written", { channel, bytes }));
  const terminals = createKeptTerminals<Peer>({
    sendToPage: (by, channel, bytes) => by.sendData(channel, bytes),
    wantCheckpoint: (by, channel) => by.notify("terminals.checkpointWanted", { channel } satisfies Events["terminals.checkpointWanted"]),
    taken: (by, channel) => by.notify("terminals.taken", { channel } satisfies Events["terminals.taken"]),
    acknowledge: (channel, bytes) => helper?.peer.notify("terminal.ack", { channel, bytes }),
  });
  let abandoning: NodeJS.Timeout | undefined;
  let session: Session = { state: "starting" };
  let epoch = 0;
  /** The one that shows the app. */
  let page: Peer | undefined;
  /** Those that show one terminal each. */
  const windows = new Set<Peer>();
  let helper: Helper | undefined;
  let starting: HelperProcess | undefined;
  let connecting: Promise<void> | undefined;
  let ending: Promise<unknown> = Promise.resolve();
  let closed = false;
  let callsUnderWay = 0;
  let lastUse = performance.now();

  const setSession = (next: Session) => {
    session = next;
    tell("session.changed", session);
  };
  const tell = (event: EventName, params: unknown) => {
    page?.notify(event, params);
    if (eventsOfTerminalWindow.has(event)) for (const window of windows) window.notify(event, params);
  };
  const tellOthers = <E extends EventName>(but: Peer, event: E, params: Events[E]) => {
    for (const other of [page, ...windows]) if (other !== but) other?.notify(event, params);
  };
  const taskList = createTaskList({
    hostTasks,
    askHelper: () => {
      const peer = helper?.peer;
      return peer && ((method) => peer.call(method, {}));
    },
    notify: tell,
  });
  const past = createPast<Peer>({
    settingsPath,
    stateFolder: options.stateFolder,
    settings: settings.get,
    askHelper: () => {
      const peer = helper?.peer;
      return peer && ((method, params) => peer.call(method, params));
    },
    tell,
    notify: options.notify,
  });
  downloads.onChanged(() => tell("downloads.changed", {}));
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
        else if (isReady && method === "tasks.changed") taskList.onHelperChanged(params as TasksChanged);
        else if (isReady) {
          if (method === "uploads.written") onWritten(params as Events["uploads.written"]);
          if (method === "terminal.exited") onTerminalExited(params as Events["terminal.exited"]);
          if (method === "containers.changed") tellWatchers(params as ContainersChanged);
          else if (past.onNotification(method, params)) tell(method as EventName, params);
        }
      },
      onData: (channel, payload) => {
        if (isReady) terminals.receive(channel, payload);
      },
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
      past.helperReady();
    } finally {
      starting = undefined;
      clearInterval(patience);
    }
  };

  const tellWatchers = (change: ContainersChanged) => {
    past.onNotification("containers.changed", change);
    for (const one of [page, ...windows]) if (one && past.isWatchedBy(one)) one.notify("containers.changed", change);
  };

  const onWritten = ({ channel, bytes }: Events["uploads.written"]) => uploads.onWritten(channel, bytes);

  const onTerminalExited = ({ channel, ...end }: Events["terminal.exited"]) => terminals.exited(channel, end);

  const forgetHelper = () => {
    if (helper) clearInterval(helper.heartbeat);
    helper = undefined;
    unfinishedUploads.clear();
    for (const { channel, ended } of terminals.list()) if (!ended) tell("terminal.exited", { channel, lost: true });
    terminals.helperLost();
    uploads.failAll({ code: "helper-lost", detail: "It ended while a file was handed to it." });
    taskList.forgetHelper();
    past.helperGone();
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
    // Otherwise polkit would let the next one start without a password for some minutes.
    ending = Promise.all([ending, rights.revokeKept()]);
  };

  /** Starts a helper where there is none, and keeps it from being locked while it is needed. */
  const withHelper = async <T>(work: (peer: Peer) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    lastUse = performance.now();
    if (!helper && session.state === "failed" && !session.retrying) throw new ProblemError(session.problem);
    if (!helper) await (signal ? aborted(connect(), signal) : connect());
    if (!helper)
      throw new ProblemError(session.state === "failed" ? session.problem : { code: "helper-lost", detail: "It has just ended." });
    callsUnderWay += 1;
    try {
      return await work(helper.peer);
    } finally {
      callsUnderWay -= 1;
    }
  };
  const containersOfImages = createContainersOfImages({ images, tasks: hostTasks, uploads, withHelper, isPassing: chosenFiles.has });
  /** What only the page that shows the app has. */
  const forgetPage = () => {
    taskList.forgetPage();
    past.forgetCharts();
    containersOfImages.forgetPage();
    chosenFiles.forgetAll();
  };
  /** What every page may have. */
  const forgetShown = (gone: Peer) => {
    past.forgetPage(gone);
    for (const [channel, by] of unfinishedUploads) if (by === gone) giveUpUpload(channel);
    if (terminals.pageGone(gone)) tellOthers(gone, "terminals.changed", {});
  };
  /** The pages are gone for good, as far as anybody can tell. */
  const abandon = () => {
    terminals.clear();
    helper?.peer.notify("abandon", {});
  };
  /** Those that change what is kept of a terminal; the helper parses them, and answers. */
  const onTerminalCall = async (
    asking: Peer,
    name: string,
    params: unknown,
    answer: (peer: Peer) => Promise<unknown>,
    signal: AbortSignal,
  ) => {
    const by = helper?.peer;
    // The size is that of the page which shows it.
    if (name === "terminal.resize" && !terminals.isShownBy(asking, channelIn(params))) return undefined;
    if (name === "terminal.finishUpload") unfinishedUploads.delete(channelIn(params));
    const result = await withHelper(answer, signal);
    // Another helper's, or none: then nothing of this is there any more.
    if (by !== undefined && helper?.peer !== by) return result;
    if (name === "terminal.resize") terminals.resized(params as ParamsInputOf<"terminal.resize">);
    if (name === "terminal.close") forgetTerminal(asking, (params as ParamsInputOf<"terminal.close">).channel);
    if (name === "terminal.upload") {
      const { channel } = result as ResultOf<"terminal.upload">;
      unfinishedUploads.set(channel, asking);
      if (!isThere(asking)) giveUpUpload(channel);
    }
    if (name === "terminal.open") {
      const { channel, title } = result as ResultOf<"terminal.open">;
      const asked = params as ParamsInputOf<"terminal.open">;
      terminals.opened(asking, { channel, title, name: asked.name, kind: kindOf(asked), columns: asked.columns, rows: asked.rows });
      // Nobody knows of it.
      if (!isThere(asking)) await helper?.peer.call("terminal.close", { channel }).finally(() => terminals.closed(channel));
      else tellOthers(asking, "terminals.changed", {});
    }
    return result;
  };
  /** Files on their way into a shell's folder that nobody waits for yet, with the page that sends them. */
  const unfinishedUploads = new Map<number, Peer>();
  const giveUpUpload = (channel: number) => {
    unfinishedUploads.delete(channel);
    const giving = new AbortController();
    helper?.peer.call("terminal.finishUpload", { channel }, giving.signal).catch(() => {});
    giving.abort();
  };
  const forgetTerminal = (asking: Peer, channel: number) => {
    // Whoever has it in sight knows; it may be another page than the one that closes it.
    const isShown = terminals.isShownBy(asking, channel);
    terminals.closed(channel);
    tellOthers(asking, "terminals.changed", {});
    if (!isShown) asking.notify("terminals.changed", {});
  };
  const isThere = (one: Peer) => one === page || windows.has(one);

  const resetHelper = () => {
    helper?.peer.notify("reset", {});
    // It has forgotten what the host itself watches, too, and what these do: they ask again.
    if (helper) past.helperReset();
    const missed: ContainersChanged = { revision: anewRevision, changed: [], removed: [] };
    for (const window of windows) if (past.isWatchedBy(window)) window.notify("containers.changed", missed);
  };

  const answers: HostAnswers = {
    "session.get": () => session,
    "session.connect": () => connect(),
    "session.lock": () => lock(),
    "rights.get": async () => {
      const peer = helper?.peer;
      const [answers, kept, remembered] = await Promise.all([
        rights.answers(),
        rights.kept(),
        peer?.call("rights.remembered", {}).catch(() => []) ?? [],
      ]);
      return { answers, kept, remembered } as Rights;
    },
    "rights.giveBack": async () => {
      await Promise.all([rights.revokeKept(), helper?.peer.call("rights.forget", {})]);
    },
    "terminals.list": (_, { asking }) => terminals.list(asking),
    "terminals.attach": ({ channel }, { asking }) => {
      const attached = terminals.attach(asking, channel);
      tellOthers(asking, "terminals.changed", {});
      return attached;
    },
    "terminals.detach": ({ channel }, { asking }) => {
      terminals.detach(asking, channel);
      tellOthers(asking, "terminals.changed", {});
    },
    "terminals.checkpoint": (part, { asking }) => terminals.checkpoint(asking, part),
    "settings.get": () => settings.get(),
    "settings.set": (change, { asking }) => {
      requireKeyring(change);
      const changed = settings.set(change);
      tellOthers(asking, "settings.changed", changed);
      if (change.historyMegabytes !== undefined) past.settingsChanged();
      return changed;
    },
    "sshKeys.list": () => listPublicKeys(),
    "profiles.list": () => profiles.list(),
    "profiles.save": ({ profile }) => profiles.save(profile),
    "profiles.delete": ({ name }) => profiles.delete(name),
    "history.get": (question) => past.get(question),
    "history.events": (question) => past.events(question),
    "alerts.list": () => past.alerts.list(),
    "alerts.saveRule": ({ rule }) => past.alerts.saveRule(rule),
    "alerts.deleteRule": ({ rule }) => past.alerts.deleteRule(rule),
    "alerts.dismiss": ({ alert }) => past.alerts.dismiss(alert),
    "catalog.list": (options) => catalog.list(options),
    "catalog.measure": async ({ images: ids }, { signal }) => ({ bytes: await catalog.measure(ids, signal) }),
    "catalog.create": (params) => containersOfImages.ofServer(params),
    "archives.open": (params) => containersOfImages.openArchive(params),
    "archives.create": (params, { signal }) => containersOfImages.ofArchive(params, signal),
    "oci.openFile": ({ name, bytes }) => chosenFiles.open(name, bytes),
    "oci.lookInto": ({ channel }, { signal }) => chosenFiles.lookInto(channel, signal),
    "oci.forgetFile": ({ channel }) => chosenFiles.forget(channel),
    "oci.inspect": ({ reference }, { signal }) => chosenFiles.keepDuring(reference, () => images.oci.inspect(reference, signal)),
    "oci.create": (params) => chosenFiles.keepDuring(params.reference, () => containersOfImages.ofOci(params)),
    "downloads.start": async ({ image }) => downloads.start(await images.find(image)),
    "downloads.list": () => downloads.list(),
    "downloads.delete": ({ image }) => downloads.delete(image),
  };

  const onCall = async (asking: Peer, method: string, params: unknown, signal: AbortSignal): Promise<unknown> => {
    if (windows.has(asking) && !methodsOfTerminalWindow.has(method)) {
      throw new ProblemError({ code: "invalid-request", issues: [{ path: "method", message: "not for a window of a terminal" }] });
    }
    if (Object.hasOwn(hostMethods, method)) {
      const name = method as HostMethodName;
      return (answers[name] as (params: unknown, by: Asked) => unknown)(parse(hostMethods[name].params, params), { asking, signal });
    }
    if (!Object.hasOwn(methods, method) || methodsForHost.includes(method as MethodName)) {
      throw new ProblemError({ code: "invalid-request", issues: [{ path: "method", message: "unknown method" }] });
    }
    if (method.startsWith("tasks.")) {
      const answer = taskList.answer(method, parse(methods[method as MethodName].params, params) as { task?: string });
      if (answer) return answer;
    }
    // What a page sends does not come any more when it is gone.
    const ask = (peer: Peer) => peer.call(method, params, method === "terminal.finishUpload" ? signal : cancelledBy(signal));
    // One of a helper that is gone: for its text alone no other one is started.
    if (method === "terminal.close" && !helper)
      return forgetTerminal(asking, (parse(methods[method].params, params) as ParamsInputOf<"terminal.close">).channel);
    if (method.startsWith("terminal.")) return onTerminalCall(asking, method, params, ask, signal);
    if (past.onPageCall(asking, method, params)) return undefined;
    const answer = await withHelper(ask, signal);
    past.onPageAnswered(method);
    return answer;
  };

  const idle = setInterval(() => {
    const { lockAfterMinutes } = settings.get();
    if (!helper || lockAfterMinutes === 0 || callsUnderWay > 0) return;
    if (performance.now() - lastUse > lockAfterMinutes * minuteMilliseconds) lock();
  }, minuteMilliseconds / 6);

  void connect().catch(() => {});

  return {
    accept(port, kind = "app") {
      if (kind === "terminal-window" && windows.size >= maxTerminalWindows) return port.close("too many windows");
      clearTimeout(abandoning);
      if (kind === "app") {
        const before = page;
        page = undefined;
        if (before) forgetShown(before);
        forgetPage();
        before?.close(takenOver);
        resetHelper();
      }
      const peer = createPeer(
        port,
        {
          onCall: (method, params, signal) => onCall(peer, method, params, signal),
          onNotification(method, params) {
            if (method !== "terminal.ack" || !downNotifications["terminal.ack"].safeParse(params).success) return;
            const { channel, bytes } = params as z.output<(typeof downNotifications)["terminal.ack"]>;
            terminals.acknowledge(peer, channel, bytes);
          },
          onData(channel, payload) {
            lastUse = performance.now();
            if (!chosenFiles.receive(channel, payload) && !uploads.receive(channel, payload)) helper?.peer.sendData(channel, payload);
          },
          onClose() {
            if (!isThere(peer)) return;
            const isOfApp = page === peer;
            if (isOfApp) page = undefined;
            else windows.delete(peer);
            forgetShown(peer);
            if (isOfApp) {
              forgetPage();
              // Nobody looks any more, so nothing is watched but what is kept, and what windows of terminals show.
              resetHelper();
            }
            if (!closed && !page && windows.size === 0) abandoning = setTimeout(abandon, abandonAfterMilliseconds);
          },
        },
        { maxReceivedBytes: maxRequestBytes },
      );
      if (kind === "app") page = peer;
      else windows.add(peer);
      peer.notify("session.changed", session);
    },
    async close() {
      closed = true;
      clearInterval(idle);
      clearTimeout(abandoning);
      for (const one of [page, ...windows]) one?.close("the app ends");
      page = undefined;
      windows.clear();
      const last = helper;
      forgetHelper();
      last?.peer.close("the app ends");
      // One that is still being started, or asks for a password, ends as soon as there is something to end.
      starting?.end();
      await past.close();
      await images.close();
      await chosenFiles.close();
      await connecting?.catch(() => {});
      await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, endWithinMilliseconds).unref())]);
    },
  };
}

/** The channel that is meant; no one's, before the helper has parsed what is given. */
function channelIn(params: unknown): number {
  return (params as { channel?: number } | null | undefined)?.channel ?? 0;
}

/** Who asks, and until when. */
type Asked = { asking: Peer; signal: AbortSignal };
type HostAnswers = {
  [M in HostMethodName]: (params: z.output<HostMethods[M]["params"]>, by: Asked) => unknown;
};

/** @throws ProblemError `invalid-request`, with what is wrong. */
function parse(schema: z.ZodType, params: unknown): unknown {
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join("."), message }));
  throw new ProblemError({ code: "invalid-request", issues });
}

/** A keyring that is not there would be noticed only when an image is signed. */
function requireKeyring({ imageKeyring }: SettingsChange) {
  if (!imageKeyring || statSync(imageKeyring, { throwIfNoEntry: false })?.isFile()) return;
  throw new ProblemError({ code: "invalid-request", issues: [{ path: "imageKeyring", message: `${imageKeyring} is not a file` }] });
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

/** Aborts where the page cancels its call; not where the page is loaded anew or closed: what was begun for a person goes on. */
function cancelledBy(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const follow = () => signal.reason !== connectionClosed && controller.abort();
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true });
  return controller.signal;
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
