import * as z from "zod";
import { firstStartSteps } from "./first-start.ts";
import { startCause, startFix } from "./start-causes.ts";

/** The schema of problems. Pages know them by type alone (problems.ts): what checks them would take its memory in each. */
const detail = z.string().max(8192);
const name = z.string().max(255);

/** How the app came here. An AppImage carries the package of the helper, which root cannot read where it is. */
export const installedAs = z.object({ kind: z.enum(["checkout", "package", "appimage"]), helperPackage: detail.optional() });

export const problem = z.discriminatedUnion("code", [
  z.object({ code: z.literal("auth-dismissed"), action: name }),
  /** Asked for, and answered wrongly. */
  z.object({ code: z.literal("auth-failed"), action: name }),
  /** Refused by a rule, without a question. */
  z.object({ code: z.literal("auth-denied"), action: name }),
  z.object({ code: z.literal("no-polkit-agent"), action: name }),
  /** pkexec, polkitd or the system D-Bus is not there or does not answer. */
  z.object({ code: z.literal("polkit-unavailable"), detail }),
  z.object({ code: z.literal("helper-missing"), path: detail, installedAs }),
  /** The launcher refused to run: something on the helper's path is not root's alone. */
  z.object({ code: z.literal("helper-unsafe"), detail, installedAs }),
  z.object({ code: z.literal("helper-lost"), detail }),
  z.object({ code: z.literal("version-mismatch"), app: name, helper: name, installedAs }),
  z.object({ code: z.literal("lxc-missing"), tool: name }),
  z.object({ code: z.literal("tool-missing"), tool: name, neededFor: detail }),
  z.object({ code: z.literal("locked") }),
  z.object({
    code: z.literal("invalid-request"),
    issues: z.array(z.object({ path: name, message: detail })).max(20),
  }),
  z.object({ code: z.literal("not-found"), what: name }),
  z.object({ code: z.literal("already-exists"), name }),
  z.object({ code: z.literal("wrong-state"), name, state: name, needed: detail }),
  z.object({ code: z.literal("has-clones"), name, clones: z.array(name) }),
  z.object({ code: z.literal("not-supported"), what: detail }),
  z.object({ code: z.literal("no-space"), path: detail, availableBytes: z.number(), neededBytes: z.number() }),
  z.object({ code: z.literal("busy"), name, operation: name }),
  z.object({ code: z.literal("too-many-requests"), limit: z.number() }),
  z.object({
    code: z.literal("command-failed"),
    /** One sentence that names the cause where it is known, or else what did not work. */
    summary: detail,
    argv: z.array(z.string().max(4096)).max(64),
    exitCode: z.number().optional(),
    signal: name.optional(),
    /** The last 4 KiB of what the command printed. */
    output: detail,
  }),
  /** A container did not start, and why, as far as LXC's log and the facts tell. */
  z.object({
    code: z.literal("start-failed"),
    name,
    cause: startCause,
    fix: startFix,
    argv: z.array(z.string().max(4096)).max(64),
    exitCode: z.number().optional(),
    /** The last 4 KiB of what the command printed, and of the errors in LXC's log. */
    output: detail,
  }),
  /** A container was to be better isolated and did not come up as it was before: all of it was taken back. */
  z.object({
    code: z.literal("fix-taken-back"),
    name,
    /** `no-effect`: it came up, and the kernel does not show what the lines ask for. */
    reason: z.enum(["did-not-start", "degraded", "no-effect"]),
    /** False where it does not run as before after that either. */
    runsAgain: z.boolean(),
    detail,
  }),
  /** A new container runs, and something that was to be done in it then was not. */
  z.object({
    code: z.literal("first-start-failed"),
    name,
    step: z.enum(firstStartSteps),
    reason: z.enum([
      "command-failed",
      "timed-out",
      /** The container has ended meanwhile. */
      "ended",
      "no-shell",
      "no-network",
      "no-package-manager",
      "no-user-program",
      /** There is a user of that name whom the system itself needs. */
      "system-user",
      "no-way-to-root",
    ]),
    /** What did not work, where a command was run. */
    command: z
      .object({
        argv: z.array(z.string().max(4096)).max(64),
        exitCode: z.number().optional(),
        signal: name.optional(),
        /** The last 4 KiB of what it printed. */
        output: detail,
      })
      .optional(),
  }),
  /** A server could not be reached, or what it sent is of no use. */
  z.object({
    code: z.literal("download-failed"),
    url: detail,
    reason: z.enum([
      "unreachable",
      "gone",
      "refused",
      "stalled",
      "broken-off",
      "too-large",
      "unsafe-redirect",
      "not-understood",
      "not-listed",
      "wrong-checksum",
      "bad-signature",
    ]),
    /** For those who want to know. */
    detail,
  }),
  /** An archive is damaged, or holds something that has no place in a root file system. */
  z.object({
    code: z.literal("archive-refused"),
    /** The name of what is refused, as the archive has it; empty where it is about the archive as a whole. */
    entry: detail,
    reason: z.enum([
      "wrong-checksum",
      "not-an-archive",
      "no-root-file-system",
      "no-image",
      "absolute-name",
      "name-climbs-out",
      "bad-name",
      "through-link",
      "named-twice",
      "hard-link-to-nothing",
      "link-climbs-out",
      "device",
      "unknown-type",
      "unknown-owner",
      "too-many-entries",
    ]),
  }),
  /** Containers need it: their files lie on its own. */
  z.object({ code: z.literal("image-in-use"), image: name, containers: z.array(name) }),
  /** A file of the person's, which the page was to read. */
  z.object({ code: z.literal("file-unreadable"), name }),
  z.object({ code: z.literal("timed-out"), what: detail, seconds: z.number() }),
  z.object({ code: z.literal("cancelled") }),
  /** The helper was killed, or its computer ended, before the task had. */
  z.object({ code: z.literal("interrupted"), hadBegun: z.boolean() }),
  z.object({ code: z.literal("internal"), detail }),
]);
