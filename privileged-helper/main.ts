/**
 * The helper: root, started by the launcher or by a host that is root itself, speaks frames on its standard input and
 * output, and ends when they end or when the host falls silent. It holds no socket and listens to nobody else.
 */
import { type Caller, createAuthorize, type Mode, readCaller } from "./authorize.ts";
import {
  type DownNotificationName,
  downNotifications,
  type EventName,
  type Events,
  heartbeatLostAfterMilliseconds,
  helloNotification,
  protocolVersion,
} from "./contract/events.ts";
import { ProblemError } from "./contract/problems.ts";
import { createDispatch } from "./dispatch.ts";
import { createHandlers } from "./handlers.ts";
import { closeInheritedFiles } from "./inherited-files.ts";
import { createLog, limitNoise, logPath } from "./log.ts";
import { defaultLxcPath } from "./lxc/host.ts";
import { createRememberedRights } from "./remembered-rights.ts";
import { createStdioPort } from "./stdio-port.ts";
import { createSystemLog } from "./system-log.ts";
import { maxRequestBytes } from "./wire/frames.ts";
import { createPeer } from "./wire/peer.ts";

declare const APP_VERSION: string;

/** Ends things, so it must get through when everything else is stuck. */
const alwaysLetIn = new Set(["containers.forceStop", "tasks.cancel", "terminal.close"]);
/** There is no metrics tick while this much waits: the next one tells more. */
const skipTicksAboveBytes = 1024 * 1024;

const usage = "usage: main.cjs full|limited|root [--lxcpath=FOLDER]";

function readArguments(args: string[]): { mode: Mode; lxcPath: string } {
  const [mode, ...rest] = args;
  if (mode !== "full" && mode !== "limited" && mode !== "root") throw new Error(usage);
  if (process.getuid?.() !== 0) throw new Error("the helper must run as root: start LXC Desktop instead, it asks for that");
  let lxcPath: string | undefined;
  for (const option of rest) {
    const match = mode === "root" ? /^--lxcpath=(\/.*[^/])$/.exec(option) : undefined;
    if (!match) throw new Error(usage);
    lxcPath = match[1];
  }
  return { mode, lxcPath: lxcPath ?? defaultLxcPath() };
}

function main() {
  closeInheritedFiles();
  const { mode, lxcPath } = readArguments(process.argv.slice(2));
  const caller: Caller | undefined = mode === "root" ? undefined : readCaller();
  process.chdir("/");
  // Templates make root file systems with it; files of our own name their modes.
  process.umask(0o022);

  const log = limitNoise(createLog(logPath, createSystemLog()));
  const uid = caller?.uid ?? 0;
  const port = createStdioPort();
  const notify = <E extends EventName>(event: E, params: Events[E]) => peer.notify(event, params);
  const rememberedRights = createRememberedRights();
  const handlers = createHandlers({
    lxcPath,
    rememberedRights,
    uid,
    isRootSession: mode === "root",
    log: (event, fields) => log(event, { uid, ...fields }),
    notify,
    isHostBehind: () => port.waitingBytes() > skipTicksAboveBytes,
    sendData: (channel, bytes) => peer.sendData(channel, bytes),
  });
  const authorize = createAuthorize(mode, caller, undefined, rememberedRights);
  const dispatch = createDispatch(handlers.methods, authorize, (event, fields) => log(event, { uid, ...fields }));

  const silence = setTimeout(() => peer.close("no heartbeat"), heartbeatLostAfterMilliseconds);

  const onDown: Record<DownNotificationName, (params: never) => void> = {
    heartbeat: () => void silence.refresh(),
    reset: () => handlers.reset(),
    abandon: () => handlers.abandon(),
    "terminal.ack": ({ channel, bytes }: { channel: number; bytes: number }) => handlers.terminals.acknowledge(channel, bytes),
  };

  const peer = createPeer(
    port,
    {
      onCall: dispatch,
      onNotification(method, params) {
        const name = Object.hasOwn(downNotifications, method) ? (method as DownNotificationName) : undefined;
        const parsed = name && downNotifications[name].safeParse(params);
        if (name && parsed?.success) onDown[name](parsed.data as never);
        else log("refused", { uid, notification: method });
      },
      onData: (channel, bytes) => handlers.receive(channel, bytes),
      onClose(reason) {
        clearTimeout(silence);
        log("ended", { uid, reason });
        void end();
      },
    },
    {
      unlimitedMethods: alwaysLetIn,
      maxReceivedBytes: maxRequestBytes,
      closeProblem: () => ({ code: "cancelled" }),
    },
  );

  /** No PTY outlives us, and what is half done is undone or finished first. */
  async function end() {
    handlers.abandon();
    await handlers.settle();
    process.exit(0);
  }

  log("started", { uid, mode, version: APP_VERSION, lxcpath: lxcPath });
  peer.notify(helloNotification, { version: APP_VERSION, protocol: protocolVersion, mode });
  handlers.recover();

  // A mistake of ours in one call must not end the others; it is written down.
  process.on("uncaughtException", (error) => log("internal", { uid, error: String(error.stack ?? error) }));
  process.on("unhandledRejection", (reason) => {
    if (!(reason instanceof ProblemError)) log("internal", { uid, error: String(reason instanceof Error ? reason.stack : reason) });
  });
  // The terminal that the app was started from may send these to its whole group; the host decides, by end of input.
  for (const signal of ["SIGINT", "SIGHUP", "SIGTSTP"] as const) process.on(signal, () => {});
  process.on("SIGTERM", () => peer.close("terminated"));
}

try {
  main();
} catch (error) {
  process.stderr.write(`lxc-desktop: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(70);
}
