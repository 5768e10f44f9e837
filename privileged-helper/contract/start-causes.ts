import * as z from "zod";
import { hostCheckNames } from "./model.ts";

/** Why a container does not start: a closed list, each cause with what a sentence about it needs. */
const text = z.string().max(1024);
const count = z.number();

export const startCause = z.discriminatedUnion("id", [
  // Its configuration.
  z.strictObject({ id: z.literal("config-missing") }),
  /** `old`: LXC renamed it (2.1, or 7 for limits of cgroup v1). `unknown`: misspelt, or of an LXC that is newer than the installed one. */
  z.strictObject({ id: z.literal("config-key-unknown"), key: text, age: z.enum(["old", "unknown"]), line: count.optional() }),
  z.strictObject({ id: z.literal("config-line-invalid"), content: text, line: count.optional() }),
  z.strictObject({ id: z.literal("include-missing"), path: text }),
  z.strictObject({ id: z.literal("capability-unknown"), content: text, line: count.optional() }),
  /** A file that the configuration names: `lxc.mount.fstab`, `lxc.console.logfile`. */
  z.strictObject({ id: z.literal("file-missing"), key: text, path: text }),

  // Its root file system.
  z.strictObject({ id: z.literal("rootfs-not-set") }),
  z.strictObject({ id: z.literal("rootfs-missing"), path: text }),
  z.strictObject({ id: z.literal("rootfs-empty"), path: text }),
  z.strictObject({ id: z.literal("base-missing"), path: text }),
  z.strictObject({ id: z.literal("overlay-unsupported") }),
  z.strictObject({ id: z.literal("overlay-refused"), path: text }),
  z.strictObject({ id: z.literal("storage-unavailable"), storage: text, source: text }),
  /** Its root user, `user` on this computer, may not pass through this folder. */
  z.strictObject({ id: z.literal("folder-not-searchable"), path: text, user: count }),
  z.strictObject({ id: z.literal("idmapped-root-unsupported"), because: z.enum(["storage", "file-system"]), path: text }),

  // Its first program.
  z.strictObject({ id: z.literal("init-missing"), program: text }),
  z.strictObject({ id: z.literal("init-not-executable"), program: text }),
  z.strictObject({ id: z.literal("init-other-architecture"), program: text, architecture: text, host: text }),
  z.strictObject({ id: z.literal("init-interpreter-missing"), program: text, interpreter: text }),
  /** As the OCI template makes them: a command for `lxc-execute`, and nothing that could be started as a system. */
  z.strictObject({ id: z.literal("nothing-to-run"), command: text }),
  z.strictObject({ id: z.literal("init-folder-missing"), path: text }),

  // Its user namespace.
  z.strictObject({ id: z.literal("ids-not-granted"), of: z.enum(["users", "groups"]), first: count, count, hasOthers: z.boolean() }),
  z.strictObject({ id: z.literal("user-namespaces-off") }),

  // Its network.
  z.strictObject({ id: z.literal("bridge-missing"), link: text }),
  z.strictObject({ id: z.literal("link-missing"), link: text, type: text }),
  z.strictObject({ id: z.literal("interface-taken"), link: text }),
  z.strictObject({ id: z.literal("network-script-failed"), script: text }),

  // What confines it.
  z.strictObject({ id: z.literal("apparmor-parser-missing") }),
  z.strictObject({ id: z.literal("apparmor-incomplete") }),
  z.strictObject({ id: z.literal("apparmor-profile-refused"), profile: text }),
  z.strictObject({ id: z.literal("seccomp-missing"), path: text }),
  z.strictObject({ id: z.literal("seccomp-invalid"), path: text }),

  // Its limits.
  z.strictObject({ id: z.literal("cgroups-missing") }),
  /** `absent`: this computer has no such limit, or its controller is off or not delegated. `value`: the kernel refuses the value. */
  z.strictObject({ id: z.literal("limit-refused"), key: text, value: text, because: z.enum(["absent", "value"]) }),
  z.strictObject({ id: z.literal("sysctl-refused"), key: text, value: text }),
  z.strictObject({ id: z.literal("resource-unknown"), resource: text }),
  z.strictObject({ id: z.literal("core-scheduling-unsupported") }),

  // What is mounted into it, and run for it.
  z.strictObject({ id: z.literal("mount-source-missing"), source: text, target: text }),
  z.strictObject({ id: z.literal("mount-target-missing"), source: text, target: text }),
  z.strictObject({ id: z.literal("mount-refused"), source: text, target: text }),
  z.strictObject({ id: z.literal("hook-failed"), hook: text, script: text.optional(), exitCode: count.optional() }),
  z.strictObject({ id: z.literal("hook-missing"), hook: text, script: text }),

  // This computer.
  z.strictObject({ id: z.literal("name-taken"), pid: count.optional(), program: text.optional() }),
  z.strictObject({ id: z.literal("disk-full") }),
  z.strictObject({ id: z.literal("read-only") }),
  z.strictObject({ id: z.literal("too-many-files") }),
  z.strictObject({ id: z.literal("too-many-processes") }),
  z.strictObject({ id: z.literal("no-memory") }),

  /** None of these; `error` is the first that LXC's log complains about. */
  z.strictObject({ id: z.literal("unknown"), error: text.optional() }),
]);
export type StartCause = z.infer<typeof startCause>;
export type StartCauseId = StartCause["id"];
export const startCauseIds = startCause.options.map(({ shape }) => shape.id.value) as [StartCauseId, ...StartCauseId[]];

/** What can be done about it by a click. */
export const startFix = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** This computer has to be mended: `host.fix` does it, `host.checks` shows how. */
  z.strictObject({ kind: z.literal("host"), check: z.enum(hostCheckNames) }),
  /** `containers.repair` does it: these lines of the container's configuration, and these commands. */
  z.strictObject({
    kind: z.literal("container"),
    removes: z.array(z.string().max(4096)).max(200),
    adds: z.array(z.string().max(4096)).max(200),
    commands: z.array(z.array(z.string().max(4096)).max(8)).max(20),
    /** `without-setting`: it starts without something that it was told to have. `less-isolated`: less stands between it and this computer. */
    effect: z.enum(["none", "without-setting", "less-isolated"]),
  }),
]);
export type StartFix = z.infer<typeof startFix>;
