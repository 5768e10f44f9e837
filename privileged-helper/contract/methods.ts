import * as z from "zod";
import { alertRule } from "./alert-rule.ts";
import type { AlertList } from "./alerts.ts";
import { application } from "./application.ts";
import { firstStart } from "./first-start.ts";
import { type History, type HistoryEvent, historyQuestion } from "./history.ts";
import { imageId, imageServer } from "./image-servers.ts";
import {
  type AuditEntry,
  type Catalog,
  type ContainerPreview,
  type ContainersOfArchive,
  type ContainersSnapshot,
  type DiskUsage,
  type Download,
  type HostCheck,
  type HostInfo,
  hostCheckNames,
  type LogText,
  type OciFile,
  type OciImage,
  type PublicKeyFile,
  type ReadyImage,
  type RememberedRight,
  type Rights,
  type Session,
  type Settings,
  type Snapshot,
  type TasksSnapshot,
  type Template,
} from "./model.ts";
import { containerName, linkName, newContainerName, snapshotName } from "./names.ts";
import { ociReference, ociReferenceText } from "./oci-reference.ts";
import {
  type CapabilityUse,
  fixableChecks,
  reportFormats,
  riskNote,
  type SecurityFixPreview,
  type SecurityOverview,
  type SecurityReport,
  type SecurityReportFile,
  securityCheckIds,
  securityFix,
  type WrittenPlaces,
} from "./security.ts";
import { startCauseIds } from "./start-causes.ts";
import { secretOption, templateOptions } from "./template-options.ts";
import {
  type AttachedTerminal,
  type ListedTerminal,
  maxCheckpointLength,
  maxCheckpointPartLength,
  type TerminalUser,
  terminalKind,
  uploadedFileName,
} from "./terminal.ts";
import {
  cursorStyles,
  defaultShortcuts,
  pasteWarnings,
  type ShortcutAction,
  screenReaderModes,
  shortcutPattern,
  terminalLimits,
  terminalThemes,
} from "./terminal-settings.ts";

/** The rights that an administrator hands out; polkit knows each as `org.lxcdesktop.<action>`. */
export const actions = ["view", "manage", "create", "configure", "shell", "configure-raw", "import", "shell-privileged", "host"] as const;
export type Action = (typeof actions)[number];

/** Granted together by the one password of full mode. The others are root on the host by another name. */
export const actionsOfFullMode: readonly Action[] = ["view", "manage", "create", "configure", "shell"];

const result = <T>() => undefined as T;
const nothing = z.strictObject({});
const onContainer = z.strictObject({ name: containerName });
const alertId = z.string().regex(/^[a-z0-9]{1,32}$/);
const taskId = z.string().regex(/^[a-z0-9]{1,32}$/);
const timeoutSeconds = z.int().min(1).max(600);
const channel = z.int().min(1).max(0xffffffff);
const columns = z.int().min(1).max(1000);
const rows = z.int().min(1).max(1000);

/** Names an image of the helper's store: as random as a name can be, and never reused. */
export const imageStoreId = z.string().regex(/^[0-9a-f]{32}$/);

/** How an image of the store is called, for people: one line without anything that would not show. */
const imageStoreTitle = z
  .string()
  .max(200)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u);

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const uploadBytes = z
  .int()
  .min(1)
  .max(64 * 1024 ** 3);

/** Template names are file names below LXC's own folder, `lxc-` left out. */
export const templateName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/);

/** A container, or what lxc-snapshot has kept of it. */
const cloned = { type: z.literal("clone"), from: containerName, snapshot: snapshotName.optional() };
const cloneSource = z.strictObject({
  ...cloned,
  /**
   * `instant`: shares its base's files and stores what it changes. `full`: has files of its own, and may be made of a container that runs,
   * which is frozen meanwhile.
   */
  copy: z.enum(["instant", "full"]).default("instant"),
});
const imageOfStore = z.strictObject({ type: z.literal("image"), image: imageStoreId });

export const containerSource = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("template"),
    template: templateName,
    /** By the names that its form in `templates.list` has; anything else is refused, and so is what is not of the option's kind. */
    options: templateOptions.default({}),
  }),
  cloneSource,
  z.strictObject({
    ...imageOfStore.shape,
    /** Instead of what the image of an application says itself. Any other image has none. */
    application: application.optional(),
  }),
]);
export type ContainerSource = z.infer<typeof containerSource>;

/** What a container is going to be made of: an image that is still to be fetched is known by what was told of it. */
const foreseenSource = z.discriminatedUnion("type", [
  ...containerSource.options,
  z.strictObject({
    type: z.literal("new-image"),
    origin: z.enum(["server", "archive", "oci"]),
    /** As LXC's own configurations for distributions are called. */
    distribution: templateName.optional(),
    /** What it is going to run instead of an init system. */
    application: application.optional(),
  }),
]);
/** What can be tried: where a copy costs nothing. */
const triedSource = z.discriminatedUnion("type", [z.strictObject(cloned), imageOfStore]);
export type TriedSource = z.infer<typeof triedSource>;

/** How much of this computer a container may use at most; what is absent is not limited by us. */
const resources = z.strictObject({
  /** As many cores' worth of time. */
  cpus: z.number().min(0.1).max(4096).optional(),
  memoryBytes: z
    .int()
    .min(16 * 1024 * 1024)
    .optional(),
  /** Threads count, too. The kernel's own greatest number of them is the last that it takes. */
  processes: z.int().min(8).max(4_194_304).optional(),
  /** Of what it stores itself: not of the image or base that its files lie on. Only where `host.info` says that it can be. */
  diskBytes: z
    .int()
    .min(16 * 1024 * 1024)
    .optional(),
});

/** What a container is connected to. */
const network = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("bridge"), bridge: linkName }),
  /** A network of its own with nothing in it but the loopback interface. */
  z.strictObject({ type: z.literal("none") }),
  /** This computer's own interfaces. Needs `configure-raw`, too: the handler asks for it. */
  z.strictObject({ type: z.literal("host") }),
]);

/** What every new container is asked, whatever it is made from. */
const newContainer = {
  name: newContainerName,
  unprivileged: z.boolean(),
  start: z.boolean(),
  /** `static`: an address of LXC's own bridge, reserved and there at once. `dhcp`: ask and wait. */
  address: z.enum(["static", "dhcp"]),
  /** Where a limit is absent a clone keeps its base's, but for the disk. */
  resources: resources.optional(),
  /** Absent: what new containers have on this computer, and a clone what its base has. */
  network: network.optional(),
  /** With the computer. */
  autostart: z.boolean().default(false),
  /** All that suits what it is made from is turned on to isolate it. Only an unprivileged one, and no clone, which is like its base. */
  hardened: z.boolean().optional(),
  /** Done once it runs, so it needs `start`. Runs commands inside: it needs the right that a terminal in it needs, too. */
  firstStart: firstStart.optional(),
};
export type NewContainer = z.infer<z.ZodObject<typeof newContainer>>;
/** What several containers have in common. */
const { name: _, ...choicesOfContainer } = newContainer;
/** More nobody watches. */
export const maxContainersAtOnce = 50;

const maxProfileName = 60;

/** Why a profile cannot be called so, as a sentence for the person who types it. */
export function explainProfileName(name: string): string | undefined {
  if (name.trim() === "") return "Type a name.";
  if (name.length > maxProfileName) return `A name has at most ${maxProfileName} characters.`;
  if (!/^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(name)) return "There are characters in it that cannot be seen.";
  return name.trim() === name ? undefined : "A name cannot begin or end with a blank.";
}

const profileName = z
  .string()
  .max(maxProfileName)
  .refine((name) => explainProfileName(name) === undefined, { message: "not the name of a profile" });

/**
 * What a person has chosen for a new container, kept under a name to be chosen again. It has no password: those are not kept anywhere.
 * Of an archive nothing is kept but that it is one.
 */
export const profile = z.strictObject({
  name: profileName,
  choices: z.strictObject({
    ...choicesOfContainer,
    source: z.discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("template"),
        template: templateName,
        options: templateOptions.refine((options) => !Object.keys(options).some((name) => secretOption.test(name)), {
          message: "a password is not kept",
        }),
      }),
      cloneSource,
      imageOfStore,
      /** One of a server's catalog. */
      z.strictObject({ type: z.literal("server-image"), image: imageId }),
      z.strictObject({ type: z.literal("archive") }),
      /** Without what was changed of what it runs: there may be a password in it. */
      z.strictObject({ type: z.literal("oci"), reference: ociReferenceText }),
      /** In a file of the person's. Nothing is kept but that it is one. */
      z.strictObject({ type: z.literal("oci-file") }),
    ]),
  }),
});
export type Profile = z.infer<typeof profile>;
export type ProfileInput = z.input<typeof profile>;
export const maxProfiles = 100;

/** What the create dialog was filled in with, as far as it is kept, so that a person can ask for the same once more. */
export const filledIn = z.strictObject({
  names: z.array(newContainerName).min(1).max(maxContainersAtOnce),
  choices: profile.shape.choices,
  /** What is kept nowhere and has to be given again: a file, a password, what was changed of what an application runs. */
  lacks: z.discriminatedUnion("what", [
    z.strictObject({ what: z.literal("file"), name: imageStoreTitle }),
    z.strictObject({ what: z.literal("password") }),
    z.strictObject({ what: z.literal("application") }),
  ]),
});
export type FilledIn = z.infer<typeof filledIn>;
export type FilledInInput = z.input<typeof filledIn>;

/** What of the host's makes a ready image, as it can be asked for once more. */
const askedOfHost = z.discriminatedUnion("method", [
  z.strictObject({ method: z.literal("catalog.create"), params: z.strictObject({ ...newContainer, image: imageId }) }),
  z.strictObject({
    method: z.literal("oci.create"),
    params: z.strictObject({ ...newContainer, reference: ociReferenceText, manifest: sha256.optional() }),
  }),
]);

/**
 * Every method that the helper answers: what it takes, what it gives, and which right it needs. Objects are strict, so an
 * unknown key is refused. `result` is only a type: what root answers is not parsed again by those below it.
 */
export const methods = {
  "host.info": { params: nothing, result: result<HostInfo>(), action: "view" },
  /** Reads everything anew; nothing is remembered between two calls. */
  "host.checks": { params: nothing, result: result<HostCheck[]>(), action: "view" },
  /** Runs the commands that `host.checks` shows for this check; which those are is decided anew, by us. */
  "host.fix": { params: z.strictObject({ check: z.enum(hostCheckNames) }), result: result<void>(), action: "host" },
  "templates.list": { params: nothing, result: result<Template[]>(), action: "view" },

  "containers.watch": { params: nothing, result: result<ContainersSnapshot>(), action: "view" },
  "containers.unwatch": { params: nothing, result: result<void>(), action: "view" },
  "containers.configuration": { params: onContainer, result: result<{ path: string; text: string }>(), action: "view" },
  /** What lxc-snapshot has kept of it, the newest first. */
  "containers.snapshots": { params: onContainer, result: result<Snapshot[]>(), action: "view" },
  /**
   * Counts what its files take, which may last minutes. An answer is given again for a minute, unless it is asked for as `fresh`; whoever
   * asks while it is counted has the answer of that.
   */
  "containers.diskUsage": {
    params: z.strictObject({ name: containerName, fresh: z.boolean().default(false) }),
    result: result<DiskUsage>(),
    action: "view",
  },
  "containers.create": {
    params: z.strictObject({ ...newContainer, source: containerSource }),
    result: result<void>(),
    action: "create",
  },
  /** What `containers.create` would do, by the same functions, and nothing of it is done. */
  "containers.preview": {
    params: z.strictObject({ ...newContainer, source: foreseenSource }),
    result: result<ContainerPreview>(),
    action: "view",
  },
  /**
   * Starts an instant copy that goes again: with its last terminal, with the page where that has none in it or no other page comes, when it is
   * stopped, and when we end or the next helper finds it.
   */
  "containers.try": { params: z.strictObject({ source: triedSource }), result: result<{ name: string }>(), action: "create" },
  /** Makes one stay. Under another name it is an instant clone of it, and it is shut down for that where it runs. */
  "containers.keep": {
    params: z.strictObject({ name: containerName, as: newContainerName }),
    result: result<void>(),
    action: "create",
  },
  /** Ends and removes one; that it has gone already is no mistake. Refused for every other container. */
  "containers.discard": { params: onContainer, result: result<void>(), action: "create" },
  "containers.destroy": { params: onContainer, result: result<void>(), action: "create" },
  "containers.start": { params: onContainer, result: result<void>(), action: "manage" },
  /** Asks init to end; fails with `timed-out` and leaves it running where it does not. */
  "containers.stop": { params: z.strictObject({ name: containerName, timeoutSeconds }), result: result<void>(), action: "manage" },
  "containers.forceStop": { params: onContainer, result: result<void>(), action: "manage" },
  "containers.restart": { params: z.strictObject({ name: containerName, timeoutSeconds }), result: result<void>(), action: "manage" },
  "containers.freeze": { params: onContainer, result: result<void>(), action: "manage" },
  "containers.unfreeze": { params: onContainer, result: result<void>(), action: "manage" },

  /** Where that was cut off or has failed: all of it once more. A container without a user namespace needs `shell-privileged` instead. */
  "containers.firstStart": {
    params: z.strictObject({ name: containerName, firstStart }),
    result: result<void>(),
    action: "shell",
  },

  /**
   * Does what the failed start before offered, if that is still the same; what that is, we know ourselves. What leaves a container
   * less isolated needs `configure-raw`, too.
   */
  "containers.repair": {
    params: z.strictObject({ name: containerName, cause: z.enum(startCauseIds) }),
    result: result<void>(),
    action: "configure",
  },

  /** Reads everything anew. Of its files those that give whoever runs them more rights are searched for. */
  "security.audit": { params: onContainer, result: result<SecurityReport>(), action: "view" },
  /** The same of all containers, and this computer's kernel. */
  "security.auditAll": { params: nothing, result: result<SecurityOverview>(), action: "view" },
  /** What `security.fix` would do, by the same functions. */
  "security.previewFix": {
    params: z.strictObject({ name: containerName, fix: securityFix }),
    result: result<SecurityFixPreview>(),
    action: "view",
  },
  /** Which folders it has written to since its start: those that a read-only system would have to leave writable. */
  "security.written": { params: onContainer, result: result<WrittenPlaces>(), action: "view" },
  /** Has the kernel tell which of root's rights it uses from the first call on, as long as there is another one every few seconds. */
  "security.capabilityUse": { params: onContainer, result: result<CapabilityUse>(), action: "view" },
  /**
   * Changes the container's configuration. One that runs is restarted, which needs `manage`, too; where it does not come up as it was, all of
   * it is taken back. What could leave it less isolated than it is needs `configure-raw`.
   */
  "security.fix": {
    params: z.strictObject({ name: containerName, fix: securityFix }),
    result: result<void>(),
    action: "configure",
  },
  /** Takes back the last fix of that check. It leaves the container less isolated, so it needs `configure-raw`, too. */
  "security.undo": {
    params: z.strictObject({ name: containerName, check: z.enum(fixableChecks) }),
    result: result<void>(),
    action: "configure",
  },
  /**
   * Has the package manager of a container that runs fetch its lists and say what is to be updated; the check `updates` tells that from then
   * on. Like a shell in it, it needs `shell-privileged` where it has no user namespace.
   */
  "security.lookForUpdates": { params: onContainer, result: result<void>(), action: "shell" },
  /** Has it install that, and looks again. */
  "security.installUpdates": { params: onContainer, result: result<void>(), action: "shell" },
  /** Remembers that a person knows of it, and why it stays as it is; without a note, forgets that. The grade is what it was. */
  "security.accept": {
    params: z.strictObject({ name: containerName, check: z.enum(securityCheckIds), note: riskNote.optional() }),
    result: result<void>(),
    action: "configure",
  },

  /**
   * A channel for exactly so many bytes, which the caller then sends on it, and which `images.import` takes. At most
   * `maxUnwrittenBytes` may be under way that `uploads.written` has not told of yet. Where something keeps it from being written, it
   * goes on to its end, and `images.import` tells.
   */
  "uploads.open": {
    params: z.strictObject({ bytes: uploadBytes }),
    result: result<{ channel: number }>(),
    action: "create",
  },
  /** Forgets an upload and its bytes; one that is not there (any more) is no mistake. */
  "uploads.close": { params: z.strictObject({ channel }), result: result<void>(), action: "create" },

  /** What containers can be made of at once. From then on `images.changed` tells when this has another answer. */
  "images.list": { params: nothing, result: result<ReadyImage[]>(), action: "view" },
  /**
   * Makes an image of archives that were uploaded, and takes these. One whose containers are to be privileged is root by another
   * name: it needs `import`, too.
   */
  "images.import": {
    params: z.strictObject({
      title: imageStoreTitle,
      /** `server`: of an image server, whose checksums were compared; `archive`: somebody's own file; `oci`: the layers of one, as one. */
      origin: z.enum(["server", "archive", "oci"]),
      /** The upload that is a tar archive of a root file system, compressed or not. */
      rootfs: channel,
      /** The upload that tells more of it, as image servers have it beside the root file system. */
      meta: channel.optional(),
      /** What the uploads must be. */
      sha256: z.strictObject({ rootfs: sha256, meta: sha256.optional() }),
      unprivileged: z.boolean(),
      /** Which image of a server's catalog it is. */
      image: imageId.optional(),
      /** Which image of OCI it is: the SHA-256 of its manifest. */
      manifest: sha256.optional(),
      /** What its containers run instead of an init system. */
      application: application.optional(),
      /** Kept with the task, which is asked for again by it: the helper itself does nothing with it. */
      request: askedOfHost.optional(),
      form: filledIn.optional(),
    }),
    result: result<{ image: string }>(),
    action: "create",
  },
  /** The files of a container that is stopped, as an image. */
  "images.save": {
    params: z.strictObject({ name: containerName, title: imageStoreTitle }),
    result: result<{ image: string }>(),
    action: "create",
  },
  /** Refused as `image-in-use` while containers lie on it. */
  "images.delete": { params: z.strictObject({ image: imageStoreId }), result: result<void>(), action: "create" },

  "logs.watch": {
    params: z.strictObject({ name: containerName, log: z.enum(["lxc", "console"]) }),
    result: result<LogText>(),
    action: "view",
  },
  "logs.unwatch": { params: nothing, result: result<void>(), action: "view" },

  /** Replaces what is sampled: these containers, or all that run, and this computer as a whole. An empty list without it ends it. */
  "metrics.watch": {
    params: z.strictObject({
      containers: z.union([z.literal("running"), z.array(containerName).max(1000)]),
      intervalMilliseconds: z.int().min(500).max(60_000),
      host: z.boolean().default(false),
    }),
    result: result<void>(),
    action: "view",
  },
  /** Samples all that run and this computer, as `metrics.recorded`, until it is told 0; a `reset` does not end it. */
  "metrics.record": {
    params: z.strictObject({ intervalMilliseconds: z.union([z.literal(0), z.int().min(5_000).max(60_000)]) }),
    result: result<void>(),
    action: "view",
  },

  "tasks.watch": { params: nothing, result: result<TasksSnapshot>(), action: "view" },
  "tasks.unwatch": { params: nothing, result: result<void>(), action: "view" },
  "tasks.log": { params: z.strictObject({ task: taskId }), result: result<{ text: string; truncated: boolean }>(), action: "view" },
  /** Needs the right that the task itself needed, too. */
  "tasks.cancel": { params: z.strictObject({ task: taskId }), result: result<void>(), action: "view" },
  /** Forgets what has ended, for everybody: so looking is not enough. */
  "tasks.clear": { params: nothing, result: result<void>(), action: "manage" },

  /** Answers that the helper itself remembers for some minutes, for what is root by another name. */
  "rights.remembered": { params: nothing, result: result<RememberedRight[]>(), action: "view" },
  /** Gives them back: it is asked again the next time. */
  "rights.forget": { params: nothing, result: result<void>(), action: "view" },
  /** What everybody did on this computer with a right above looking, and what was refused for lack of one, the newest first. */
  "audit.list": { params: nothing, result: result<AuditEntry[]>(), action: "host" },

  /** Who can be in a container that runs, root first: read of its own passwd. */
  "terminal.users": { params: onContainer, result: result<TerminalUser[]>(), action: "shell" },
  /** A container without a user namespace needs `shell-privileged` instead: the handler asks for it. */
  "terminal.open": {
    params: z.strictObject({ name: containerName, columns, rows, kind: terminalKind.default({ type: "shell" }) }),
    /** `title`: what it is, in a few words. */
    result: result<{ channel: number; title: string }>(),
    action: "shell",
  },
  "terminal.resize": { params: z.strictObject({ channel, columns, rows }), result: result<void>(), action: "view" },
  /** Hangs up: what runs in it is told so, as by a terminal that is closed. */
  "terminal.close": { params: z.strictObject({ channel }), result: result<void>(), action: "view" },
  /**
   * A channel for the bytes of a file that is written into the folder that the shell of a terminal is in, by that shell's user inside.
   * Whoever has the terminal could do that by typing, so it needs no right of its own. At most `maxUnwrittenBytes` may be under way that
   * `uploads.written` has not told of yet. Without `overwrite` a file of that name stays as it is, and `terminal.finishUpload` tells so as
   * `already-exists`. Where something keeps it from being written, it goes on to its end, and that tells, too.
   */
  "terminal.upload": {
    params: z.strictObject({
      channel,
      file: uploadedFileName,
      bytes: z
        .int()
        .min(0)
        .max(64 * 1024 ** 3),
      overwrite: z.boolean().default(false),
    }),
    result: result<{ channel: number }>(),
    action: "view",
  },
  /** Answers when the file is there, with all of its bytes, and where. Cancelling this call ends the upload, and nothing of it stays. */
  "terminal.finishUpload": { params: z.strictObject({ channel }), result: result<{ path: string }>(), action: "view" },
} as const satisfies Record<string, { params: z.ZodType; result: unknown; action: Action }>;

/** Methods of the helper that the host calls for the page, and nobody else: what the page leaves behind, the host puts away. */
export const methodsForHost: readonly MethodName[] = ["uploads.open", "uploads.close", "images.import", "metrics.record"];

export type Methods = typeof methods;
export type MethodName = keyof Methods;
export type ParamsOf<M extends MethodName> = z.infer<Methods[M]["params"]>;
/** What a caller writes: names not branded yet. */
export type ParamsInputOf<M extends MethodName> = z.input<Methods[M]["params"]>;
export type ResultOf<M extends MethodName> = Methods[M]["result"];

/** Methods that the unprivileged host answers itself; they need no right. */
const { fontSize, lineHeight, scrollbackLines, fontFamilyCharacters } = terminalLimits;
/** What is not given stays as it is. */
export const terminalSettings = z
  .strictObject({
    /** Names of fonts and nothing that would end the style that they become part of. */
    fontFamily: z
      .string()
      .max(fontFamilyCharacters)
      .regex(/^[\p{L}\p{N} ,_.'"-]*$/u),
    fontSize: z.int().min(fontSize.min).max(fontSize.max),
    lineHeight: z.number().min(lineHeight.min).max(lineHeight.max),
    cursorStyle: z.enum(cursorStyles),
    cursorBlink: z.boolean(),
    scrollbackLines: z.int().min(scrollbackLines.min).max(scrollbackLines.max),
    bell: z.enum(["visual", "none"]),
    theme: z.enum(terminalThemes),
    copyOnSelect: z.boolean(),
    pasteWarning: z.enum(pasteWarnings),
    screenReader: z.enum(screenReaderModes),
  })
  .partial();

/** All that differ from the usual ones. */
export const shortcuts = z.partialRecord(
  z.enum(Object.keys(defaultShortcuts) as [ShortcutAction, ...ShortcutAction[]]),
  z.string().regex(shortcutPattern),
);

export const hostMethods = {
  "session.get": { params: nothing, result: result<Session>() },
  /** Tries to reach a helper again: after a dismissed dialog, an installation, a lock. */
  "session.connect": { params: nothing, result: result<void>() },
  /** Gives the administrator's rights back: ends the helper. */
  "session.lock": { params: nothing, result: result<void>() },
  /** What polkit says that this person may, without disturbing anybody, and what was granted and until when. */
  "rights.get": { params: nothing, result: result<Rights>() },
  /** Gives back what was granted for some minutes: it is asked for again the next time. `session.lock` gives back all. */
  "rights.giveBack": { params: nothing, result: result<void>() },
  /** Terminals outlive the page that opened them: those that there are, the oldest first, also such as have ended and were not closed. */
  "terminals.list": { params: nothing, result: result<ListedTerminal[]>() },
  /**
   * This page shows a terminal from now on. Its checkpoint and the output after it come on the channel, before the answer or after it, and
   * then what follows. Refused as `not-found` where there is none.
   */
  "terminals.attach": { params: z.strictObject({ channel }), result: result<AttachedTerminal>() },
  /** This page shows it no more; it goes on, until as much waits as the host keeps. */
  "terminals.detach": { params: z.strictObject({ channel }), result: result<void>() },
  /**
   * What a page makes of a terminal's first `bytes` bytes of output, as text that shows the same when it is written to an empty terminal of
   * that size. The parts come in order, and the first one gives up what came of another checkpoint before. One that cannot be used
   * any more is no mistake.
   */
  "terminals.checkpoint": {
    params: z.strictObject({
      channel,
      bytes: z.int().min(0),
      columns,
      rows,
      /** Where this part begins in the text, in UTF-16 code units. */
      at: z.int().min(0).max(maxCheckpointLength),
      part: z.string().max(maxCheckpointPartLength),
      isLast: z.boolean(),
    }),
    result: result<void>(),
  },
  "settings.get": { params: nothing, result: result<Settings>() },
  "settings.set": {
    params: z.strictObject({
      theme: z.enum(["system", "light", "dark"]).optional(),
      stopTimeoutSeconds: timeoutSeconds.optional(),
      lockAfterMinutes: z.int().min(0).max(1440).optional(),
      imageServers: z
        .array(imageServer)
        .max(20)
        .transform((servers) => [...new Set(servers)])
        .optional(),
      imageKeyring: z.union([z.literal(""), z.string().max(4096).startsWith("/")]).optional(),
      historyMegabytes: z.int().min(0).max(4096).optional(),
      terminal: terminalSettings.optional(),
      shortcuts: shortcuts.optional(),
    }),
    result: result<Settings>(),
  },

  /** Figures of the past, of a container (one that is gone as well, until they are too old) or this computer. Up to the last few seconds. */
  "history.get": { params: historyQuestion, result: result<History>() },
  /** What happened from one time to another (milliseconds since the epoch), to one container or to all, the oldest first. */
  "history.events": {
    params: z.strictObject({ from: z.int().min(0), to: z.int().min(0), container: containerName.optional() }),
    result: result<HistoryEvent[]>(),
  },
  /** From each of these on, `alerts.changed` has the answer, too. */
  "alerts.list": { params: nothing, result: result<AlertList>() },
  /** Takes the place of the rule of the same id. Refused where there are `maxAlertRules` others. */
  "alerts.saveRule": { params: z.strictObject({ rule: alertRule }), result: result<AlertList>() },
  /** Its alerts go with it. */
  "alerts.deleteRule": { params: z.strictObject({ rule: alertRule.shape.id }), result: result<AlertList>() },
  /** Somebody has seen it. Where it is still so, it is told again only once it was over. One that is gone is no mistake. */
  "alerts.dismiss": { params: z.strictObject({ alert: alertId }), result: result<AlertList>() },

  /** Audits a container, or all of them and this computer, and makes a file of what was found. */
  "reports.security": {
    params: z.strictObject({ name: containerName.optional(), format: z.enum(reportFormats) }),
    result: result<SecurityReportFile>(),
  },

  /** Public keys of the person who uses the app. */
  "sshKeys.list": { params: nothing, result: result<PublicKeyFile[]>() },
  /** A person's profiles, in the order of their names. Saving and deleting answer with those that there are then. */
  "profiles.list": { params: nothing, result: result<Profile[]>() },
  /** Takes the place of one of the same name. Refused where there are `maxProfiles` others. */
  "profiles.save": { params: z.strictObject({ profile }), result: result<Profile[]>() },
  "profiles.delete": { params: z.strictObject({ name: profileName }), result: result<Profile[]>() },

  /** What the servers offer, as it was last read; with `refresh` each of them is asked anew. */
  "catalog.list": { params: z.strictObject({ refresh: z.boolean(), everyArchitecture: z.boolean() }), result: result<Catalog>() },
  /** The bytes of each one's file system, next to which its other file is nothing. What a server does not tell is left out. */
  "catalog.measure": { params: z.strictObject({ images: z.array(imageId).max(200) }), result: result<{ bytes: Record<string, number> }>() },
  /**
   * Makes a container of a server's image: it is downloaded where it is not here, and made a ready image where it is not one. It goes on
   * where the page that asked is gone.
   */
  "catalog.create": { params: z.strictObject({ ...newContainer, image: imageId }), result: result<void>() },
  /**
   * A channel for the bytes of an archive, which the page sends on it, at most `maxUnwrittenBytes` ahead of what `uploads.written` tells.
   * It is a task, and it fails where the page goes.
   */
  "archives.open": {
    params: z.strictObject({ title: imageStoreTitle, bytes: uploadBytes }),
    result: result<{ channel: number }>(),
  },
  /**
   * Makes a ready image of an archive, once all of its bytes have come, and containers of that, all at once. Fails where there is no image;
   * of each container that was not made, or does not run, it tells why.
   */
  "archives.create": {
    params: z.strictObject({ ...choicesOfContainer, names: z.array(newContainerName).min(1).max(maxContainersAtOnce), channel }),
    result: result<ContainersOfArchive>(),
  },
  /**
   * A channel for the bytes of a file that holds images of OCI, which the page sends on it, at most `maxUnwrittenBytes` ahead of what
   * `uploads.written` tells. The host has a copy of the file from then on.
   */
  "oci.openFile": {
    params: z.strictObject({ name: z.string().min(1).max(255), bytes: uploadBytes }),
    result: result<{ channel: number }>(),
  },
  /** Answers what is in it, once all of its bytes have come. */
  "oci.lookInto": { params: z.strictObject({ channel }), result: result<OciFile>() },
  /** The copy goes, as soon as nothing is made of it any more; so it does with the page. One that is gone is no mistake. */
  "oci.forgetFile": { params: z.strictObject({ channel }), result: result<void>() },
  /** Asks where an image of OCI is what it is, and what it runs. Nothing of it is kept. */
  "oci.inspect": { params: z.strictObject({ reference: ociReference }), result: result<OciImage>() },
  /**
   * Makes a container of an image of OCI: its layers are downloaded where they are not here, and it is made a ready image where it is not
   * one. It goes on where the page that asked is gone.
   */
  "oci.create": {
    params: z.strictObject({
      ...newContainer,
      reference: ociReference,
      /** The manifest that was looked at, so that no other one is taken. */
      manifest: sha256.optional(),
      application: application.optional(),
    }),
    result: result<void>(),
  },
  /** Answers when the image is here, and goes on where the page that asked is gone: `tasks.cancel` ends it. */
  "downloads.start": { params: z.strictObject({ image: imageId }), result: result<Download>() },
  "downloads.list": { params: nothing, result: result<Download[]>() },
  /** Deletes what was downloaded, all or part of it. */
  "downloads.delete": { params: z.strictObject({ image: imageId }), result: result<void>() },
} as const satisfies Record<string, { params: z.ZodType; result: unknown }>;

export type HostMethods = typeof hostMethods;
export type HostMethodName = keyof HostMethods;
