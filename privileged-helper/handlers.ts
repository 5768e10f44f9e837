import { randomInt } from "node:crypto";
import { readAuditRecord } from "./audit-record.ts";
import { createChannels } from "./channels.ts";
import type { EventName, Events } from "./contract/events.ts";
import type { Action } from "./contract/methods.ts";
import type { Task, TaskKind } from "./contract/model.ts";
import { ProblemError } from "./contract/problems.ts";
import { isFixedAtOnce } from "./contract/security.ts";
import type { Handlers } from "./dispatch.ts";
import { createImageWatch } from "./image-watch.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import type { Log } from "./log.ts";
import { auditAll, auditContainer } from "./lxc/audit/audit.ts";
import { createCapabilityWatches } from "./lxc/audit/capability-use.ts";
import { previewFix, weakens } from "./lxc/audit/fixes.ts";
import { previewDiskLimit } from "./lxc/audit/limit-disk.ts";
import { previewConversion } from "./lxc/audit/plan-conversion.ts";
import { acceptRisk } from "./lxc/audit/security-record.ts";
import { previewStripping } from "./lxc/audit/strip-files.ts";
import { findWritten } from "./lxc/audit/writable-places.ts";
import { readConfigurationText } from "./lxc/config.ts";
import { readConsoleBefore } from "./lxc/console-log.ts";
import { createDiskUsageReader } from "./lxc/disk-usage.ts";
import { hostInfo } from "./lxc/host.ts";
import { makeCheck, makeChecks } from "./lxc/host-checks.ts";
import { readHostFacts } from "./lxc/host-facts.ts";
import { runFix } from "./lxc/host-fix.ts";
import { createImageStore } from "./lxc/image-store.ts";
import { createContainerReader, isActive } from "./lxc/list.ts";
import { createLogWatch } from "./lxc/logs.ts";
import { createOperations } from "./lxc/operations.ts";
import { toolPath } from "./lxc/run.ts";
import { listSnapshots } from "./lxc/snapshots.ts";
import { uploadsFolderOf } from "./lxc/state-folder.ts";
import { listTemplates } from "./lxc/templates.ts";
import { terminalCommand } from "./lxc/terminal-command.ts";
import { listTerminalUsers } from "./lxc/terminal-users.ts";
import { createMetrics } from "./metrics.ts";
import { createRememberedRights, type RememberedRights } from "./remembered-rights.ts";
import { createTaskHistory } from "./task-history.ts";
import { createTaskList } from "./task-list.ts";
import { createTasks } from "./tasks.ts";
import { createTerminalUploads } from "./terminal-uploads.ts";
import { createTerminals, type Terminals } from "./terminals.ts";
import { createThrowAways } from "./throw-aways.ts";
import { createUploads } from "./uploads.ts";
import { userNameOf } from "./user-name.ts";
import { createContainerWatch } from "./watch.ts";

/** Which right a task needed, for those who want to cancel it. */
const actionOfTask: Record<TaskKind, Action> = {
  create: "create",
  clone: "create",
  try: "create",
  keep: "create",
  discard: "create",
  destroy: "create",
  "first-start": "shell",
  recover: "create",
  start: "manage",
  stop: "manage",
  "force-stop": "manage",
  restart: "manage",
  freeze: "manage",
  unfreeze: "manage",
  repair: "configure",
  harden: "configure",
  soften: "configure-raw",
  "look-for-updates": "shell",
  update: "shell",
  fix: "host",
  import: "create",
  "save-image": "create",
  "delete-image": "create",
  // The host's own; never among ours.
  download: "view",
  load: "view",
};

/** Where numbers begin is not foreseen, so that the channel of a helper that was lost is none of the next one's. */
const maxFirstChannel = 2 ** 30;

type World = {
  lxcPath: string;
  /** Who uses this helper. */
  uid: number;
  /** True where whoever uses the app is root already. */
  isRootSession: boolean;
  notify<E extends EventName>(event: E, params: Events[E]): void;
  /** True while so much waits for the host that figures had better wait, too. */
  isHostBehind?(): boolean;
  sendData(channel: number, bytes: Uint8Array): void;
  log?: Log;
  rememberedRights?: RememberedRights;
};

export type HelperHandlers = {
  methods: Handlers;
  terminals: Terminals;
  /** Bytes that came on a channel. */
  receive(channel: number, bytes: Uint8Array): void;
  /** Forgets what a page watched that is gone. Its terminals go on, its tasks, and uploads: the host ends those that it sent itself. */
  reset(): void;
  /** No page comes any more: what the last one left ends. */
  abandon(): void;
  /** Cancels what can be cancelled and waits for what cannot. */
  settle(): Promise<void>;
  /** Removes what a helper that was killed left half made. */
  recover(): void;
};

/** Joins the parts and names the function behind each method. */
export function createHandlers({
  lxcPath,
  uid,
  isRootSession,
  notify,
  isHostBehind,
  sendData,
  log,
  rememberedRights = createRememberedRights(),
}: World): HelperHandlers {
  const images = createImageStore({ lxcPath });
  const reader = createContainerReader({ lxcPath, images });
  const requestedBy: NonNullable<Task["requestedBy"]> = { uid };
  void userNameOf(uid).then(
    (user) => {
      requestedBy.user = user;
    },
    () => {},
  );
  const history = createTaskHistory({ lxcPath, onTrouble: (reason) => log?.("history-incomplete", { reason }) });
  const tasks = createTasks({ requestedBy, history, folder: lxcPath });
  const taskList = createTaskList({ tasks, history });
  const journal = createJournal();
  const locks = createLocks();
  const operations = createOperations({ lxcPath, reader, tasks, journal, locks, images });
  const throwAways = createThrowAways(operations);
  const watch = createContainerWatch({
    reader,
    lxcPath,
    operations: () => tasks.operations(),
    onDegraded: (reason) => log?.("watch-degraded", { reason }),
  });
  tasks.onChanged(() => {
    watch.operationsChanged();
    imageWatch.look();
    if (!unwatchContainers && tasks.operations().size === 0) reader.rest();
  });
  const metrics = createMetrics({ containers: watch, isBehind: isHostBehind });
  const diskUsage = createDiskUsageReader({ lxcPath });
  const capabilityWatches = createCapabilityWatches();
  const logs = createLogWatch({ lxcPath });
  const nextChannel = createChannels(randomInt(1, maxFirstChannel));
  const uploads = createUploads({
    directory: uploadsFolderOf(lxcPath),
    nextChannel,
    onWritten: (channel, bytes) => notify("uploads.written", { channel, bytes }),
  });
  const imageWatch = createImageWatch({ images, reader });
  const terminals = createTerminals({
    nextChannel,
    onData: sendData,
    onExited(channel, exitCode, signal) {
      notify("terminal.exited", { channel, exitCode, signal });
      terminalUploads.disallow(channel);
      throwAways.closed(channel);
    },
  });
  const terminalUploads = createTerminalUploads({
    lxcPath,
    nextChannel,
    processId: terminals.processId,
    onWritten: (channel, bytes) => notify("uploads.written", { channel, bytes }),
  });
  let unwatchContainers: (() => void) | undefined;
  let unwatchTasks: (() => void) | undefined;

  const find = (name: string) => {
    const container = reader.readOne(name);
    if (!container) throw new ProblemError({ code: "not-found", what: name });
    return container;
  };

  const requireEntrance = (name: string) => {
    const container = find(name);
    if (container.state === "running") return container;
    throw new ProblemError({ code: "wrong-state", name, state: container.state, needed: "It has to run to be entered." });
  };

  const unwatchContainersAndRest = () => {
    unwatchContainers?.();
    unwatchContainers = undefined;
    reader.rest();
  };
  const unwatchAll = () => {
    unwatchContainersAndRest();
    unwatchTasks?.();
    unwatchTasks = undefined;
    metrics.stop();
    logs.stop();
    imageWatch.stop();
    void capabilityWatches.close();
  };

  return {
    terminals,
    receive(channel, bytes) {
      if (!uploads.receive(channel, bytes) && !terminalUploads.receive(channel, bytes)) terminals.input(channel, bytes);
    },
    reset() {
      unwatchAll();
      throwAways.pageGone();
    },
    abandon() {
      unwatchAll();
      terminalUploads.cancelAll();
      terminals.closeAll();
      throwAways.abandoned();
    },
    async settle() {
      await throwAways.settled();
      tasks.abortAll();
      await tasks.idle();
      await uploads.closeAll();
      await capabilityWatches.close();
    },
    recover() {
      uploads.removeAbandoned();
      return operations.recover();
    },
    methods: {
      "host.info": () => hostInfo(lxcPath),
      "host.checks": () => makeChecks({ facts: readHostFacts(isRootSession), lxcPath }),
      "host.fix": async ({ check }) => {
        const look = () => makeCheck(check, { facts: readHostFacts(isRootSession), lxcPath });
        const { title } = await look();
        // Package managers exclude each other, and so do two people who mend the same thing.
        const release = await locks.acquire({ lxcPath: "", name: "host", operation: "fix" });
        try {
          const request = { method: "host.fix", params: { check } };
          await tasks.run({ kind: "fix", target: title, cancellable: false, request, isAboutContainer: false }, (task) =>
            runFix(task, look),
          );
        } finally {
          release();
        }
      },
      "templates.list": () => listTemplates({ facts: readHostFacts(isRootSession) }),

      "containers.watch": () => {
        toolPath("lxc-start");
        unwatchContainers ??= watch.onChanged((change) => notify("containers.changed", change));
        return watch.snapshot();
      },
      "containers.unwatch": unwatchContainersAndRest,
      "containers.configuration": ({ name }) => readConfigurationText(lxcPath, find(name).name),
      "containers.create": async (params, { signal, authorize }) => {
        // Whoever has a clone has all that is in its base.
        if (params.source.type === "clone") await authorize("create", params.source.from);
        const hostNetwork = operations.wantsHostNetwork(params.source, params.network);
        if (hostNetwork) await authorize("configure-raw", params.name);
        // Commands inside are what a terminal in it would be.
        if (params.firstStart) await authorize("shell", params.name);
        if (params.firstStart && !params.unprivileged) await authorize("shell-privileged", params.name);
        await operations.create(params, signal, { hostNetwork });
      },
      "containers.firstStart": async ({ name, firstStart }, { signal, authorize }) => {
        const { privileged } = find(name);
        if (privileged) await authorize("shell-privileged", name);
        await operations.setUp({ name, firstStart, mayBePrivileged: privileged }, signal);
      },
      "containers.preview": async (params, { authorize }) => {
        if (params.source.type === "clone") await authorize("view", params.source.from);
        return operations.preview(params);
      },
      "containers.snapshots": ({ name }) => listSnapshots(lxcPath, find(name).name),
      "containers.diskUsage": ({ name, fresh }, { signal }) => diskUsage.read(find(name).name, { fresh, signal }),
      "containers.try": async ({ source }, { signal, authorize }) => {
        if (source.type === "clone") await authorize("create", source.from);
        const hostNetwork = operations.wantsHostNetwork(source);
        if (hostNetwork && source.type === "clone") await authorize("configure-raw", source.from);
        return throwAways.tryOut(source, signal, { hostNetwork });
      },
      "containers.keep": async ({ name, as }, { signal, authorize }) => {
        if (as !== name) await authorize("create", as);
        await operations.keep(name, as, signal);
      },
      "containers.discard": ({ name }) => operations.discard(name),
      "containers.destroy": ({ name }, { signal }) => operations.destroy(name, signal),
      "containers.start": ({ name }, { signal }) => operations.start(name, signal),
      "containers.stop": ({ name, timeoutSeconds }, { signal }) => operations.stop(name, timeoutSeconds, signal),
      "containers.forceStop": ({ name }, { signal }) => operations.forceStop(name, signal),
      "containers.restart": ({ name, timeoutSeconds }, { signal }) => operations.restart(name, timeoutSeconds, signal),
      "containers.freeze": ({ name }, { signal }) => operations.freeze(name, signal),
      "containers.unfreeze": ({ name }, { signal }) => operations.unfreeze(name, signal),

      "containers.repair": async ({ name, cause }, { signal, authorize }) => {
        // What is decided about is what was offered, and the same is done: it is compared again under the container's lock.
        if (operations.offeredFix(name, cause).effect === "less-isolated") await authorize("configure-raw", name);
        await operations.repair(name, cause, signal);
      },

      "security.audit": ({ name }) => auditContainer({ lxcPath, reader }, find(name).name),
      "security.auditAll": () => auditAll({ lxcPath, reader }, readHostFacts(isRootSession)),
      "security.previewFix": ({ name, fix }, { signal }) => {
        const world = { lxcPath, reader };
        if (fix.check === "user-namespace") return previewConversion(world, find(name).name, fix, signal);
        if (fix.check === "disk") return previewDiskLimit(world, find(name).name, fix);
        return fix.check === "suid-files" ? previewStripping(world, find(name).name, fix) : previewFix(world, find(name).name, fix);
      },
      "security.written": ({ name }) => findWritten({ lxcPath, reader }, find(name).name),
      "security.capabilityUse": ({ name }) => {
        const { initPid = 0 } = requireEntrance(name);
        return capabilityWatches.look(name, initPid);
      },
      "security.fix": async ({ name, fix }, { signal, authorize }) => {
        const mayWeaken = weakens({ lxcPath, reader }, find(name).name, fix);
        if (mayWeaken) await authorize("configure-raw", name);
        if (isActive(find(name)) && !isFixedAtOnce(fix.check)) await authorize("manage", name);
        await operations.harden({ name, fix, mayWeaken }, signal);
      },
      "security.undo": async ({ name, check }, { signal, authorize }) => {
        await authorize("configure-raw", name);
        if (isActive(find(name)) && !isFixedAtOnce(check)) await authorize("manage", name);
        await operations.soften(name, check, signal);
      },
      "security.lookForUpdates": async ({ name }, { signal, authorize }) => {
        const { privileged } = find(name);
        if (privileged) await authorize("shell-privileged", name);
        await operations.lookForUpdates({ name, mayBePrivileged: privileged }, signal);
      },
      "security.installUpdates": async ({ name }, { signal, authorize }) => {
        const { privileged } = find(name);
        if (privileged) await authorize("shell-privileged", name);
        await operations.installUpdates({ name, mayBePrivileged: privileged }, signal);
      },
      "security.accept": ({ name, check, note }) =>
        acceptRisk(lxcPath, find(name).name, check, note === undefined ? undefined : { note, uid, at: Date.now() }),

      "uploads.open": async ({ bytes }) => ({ channel: await uploads.open(bytes) }),
      "uploads.close": ({ channel }) => uploads.close(channel),
      "images.list": () => imageWatch.list(() => notify("images.changed", {})),
      "images.import": async (params, { signal, authorize }) => {
        // Its files will be root's own, in containers whose root is root itself. The answer is remembered for these very bytes.
        if (!params.unprivileged) await authorize("import", `${params.title} ${params.sha256.rootfs}`);
        return operations.importImage(params, uploads, signal);
      },
      "images.save": ({ name, title }, { signal }) => operations.saveImage(name, title, signal),
      "images.delete": ({ image }, { signal }) => operations.deleteImage(image, signal),

      "logs.watch": ({ name, log }) => logs.watch(find(name).name, log, (event) => notify("logs.appended", event)),
      "logs.unwatch": () => logs.stop(),
      "metrics.watch": ({ containers, intervalMilliseconds, host }) =>
        metrics.watch(containers, intervalMilliseconds, (tick) => notify("metrics.tick", tick), host),
      "metrics.record": ({ intervalMilliseconds }) => metrics.record(intervalMilliseconds, (tick) => notify("metrics.recorded", tick)),

      "tasks.watch": () => {
        if (!unwatchTasks) {
          const stopChanged = taskList.onChanged((change) => notify("tasks.changed", change));
          const stopOutput = tasks.onOutput((output) => notify("tasks.output", output));
          unwatchTasks = () => {
            stopChanged();
            stopOutput();
          };
        }
        return taskList.snapshot();
      },
      "tasks.unwatch": () => {
        unwatchTasks?.();
        unwatchTasks = undefined;
      },
      "tasks.log": ({ task }) => taskList.log(task),
      "tasks.cancel": async ({ task }, { authorize }) => {
        const { kind, target } = tasks.get(task);
        await authorize(actionOfTask[kind], target);
        tasks.cancel(task);
      },
      "tasks.clear": () => taskList.clear(),

      "rights.remembered": () => rememberedRights.list(),
      "rights.forget": () => rememberedRights.forget(),
      "audit.list": () => readAuditRecord(userNameOf),

      "terminal.users": ({ name }) => listTerminalUsers(lxcPath, requireEntrance(name).name),
      "terminal.open": async ({ name, columns, rows, kind }, { signal, authorize }) => {
        const before = find(name);
        if (before.privileged) await authorize("shell-privileged", name);
        const { title, account, ...command } = await terminalCommand(lxcPath, requireEntrance(name).name, kind);
        // The dialog may have been open for minutes, so what is entered is read again: proven to run, and as private as it was.
        const container = requireEntrance(name);
        if (container.privileged && !before.privileged) throw new ProblemError({ code: "auth-denied", action: "shell-privileged" });
        // Whoever has cancelled knows of no terminal.
        if (signal.aborted) throw new ProblemError({ code: "cancelled" });
        const shownBefore = kind.type === "console" ? readConsoleBefore(lxcPath, name) : undefined;
        const channel = terminals.open(command, { columns, rows }, shownBefore);
        throwAways.opened(channel, name);
        if (kind.type === "shell") terminalUploads.allow(channel, { name, account });
        return { channel, title };
      },
      "terminal.resize": ({ channel, columns, rows }) => terminals.resize(channel, { columns, rows }),
      "terminal.close": ({ channel }) => {
        terminals.close(channel);
        terminalUploads.disallow(channel);
        throwAways.closed(channel);
      },
      "terminal.upload": (params) => terminalUploads.open(params),
      "terminal.finishUpload": ({ channel }, { signal }) => terminalUploads.finish(channel, signal),
    },
  };
}
