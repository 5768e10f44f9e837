import * as z from "zod";
import { type CapabilityName, capabilityNames, capabilityPresets } from "./capabilities.ts";

/** What is looked at of every container, in the order in which it is shown. */
export const securityCheckIds = [
  "user-namespace",
  "id-range",
  "capabilities",
  "new-privileges",
  "system-calls",
  "mandatory-access",
  "memory",
  "processes",
  "processor-time",
  "input-output",
  "disk",
  "suid-files",
  "root-mount",
  "read-only",
  "kernel-files",
  "host-files",
  "hooks",
  "devices",
  "network",
  "services",
  "forwarded-ports",
  "logins",
  "updates",
] as const;
export type SecurityCheckId = (typeof securityCheckIds)[number];

/** `unknown`: could not be looked at, which is never taken for a good answer. */
export const securityStates = ["ok", "warning", "problem", "critical", "unknown", "not-applicable"] as const;
export type SecurityState = (typeof securityStates)[number];

export const grades = ["A", "B", "C", "D", "E", "F"] as const;
export type Grade = (typeof grades)[number];

/** Single rights of root: each once, in any order. */
const ownCapabilities = z
  .array(z.enum(capabilityNames))
  .max(capabilityNames.length)
  .refine((names) => new Set(names).size === names.length, { message: "has something twice" });

/** A folder below the root of a container that stays writable where the rest is not: in memory, empty at each start, or on disk. */
const writablePlace = z.strictObject({
  path: z
    .string()
    .max(255)
    .regex(/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+){1,6}$/)
    .refine((path) => !/^\/(dev|proc|sys)(\/|$)/.test(path), { message: "LXC mounts something over it" }),
  kept: z.enum(["memory", "disk"]),
});
export type WritablePlace = z.infer<typeof writablePlace>;
const writablePlaces = z
  .array(writablePlace)
  .max(32)
  .refine(
    (places) => !places.some(({ path }, index) => places.some((other, at) => at !== index && `${other.path}/`.startsWith(`${path}/`))),
    {
      message: "one of them holds another",
    },
  );

/** What a container has written since its start. */
export type WrittenPlaces = {
  /** Milliseconds since the epoch. */
  since: number;
  /** Where most was written comes first, each with how many files. */
  places: (WritablePlace & { files: number; example: string })[];
};

/** Which of root's rights a container has used while it was watched. */
export type CapabilityUse = { /** Milliseconds since the epoch. */ since: number; used: CapabilityName[] };

/**
 * How a container comes to ids of its own. `idmapped`: the kernel shows its files with other owners (lxc.container.conf(5), `lxc.rootfs.options`).
 * `shifted`: its files are given other owners.
 */
export const conversionWays = ["idmapped", "shifted"] as const;
export type ConversionWay = (typeof conversionWays)[number];

/** What a fix can be asked to do; which lines that changes, the helper decides. */
export const securityFix = z.discriminatedUnion("check", [
  z.strictObject({ check: z.literal("capabilities"), preset: z.union([z.enum(capabilityPresets), ownCapabilities]) }),
  z.strictObject({ check: z.literal("new-privileges") }),
  /** `default`: what LXC brings for all containers. `strict`: ours. */
  z.strictObject({ check: z.literal("system-calls"), profile: z.enum(["default", "strict"]) }),
  z.strictObject({ check: z.literal("mandatory-access") }),
  z.strictObject({
    check: z.literal("memory"),
    bytes: z
      .int()
      .min(16 * 1024 * 1024)
      .max(2 ** 52),
  }),
  z.strictObject({ check: z.literal("processes"), count: z.int().min(8).max(4_194_304) }),
  z.strictObject({ check: z.literal("processor-time"), cpus: z.number().min(0.1).max(4096) }),
  /** Reading and writing on the disk that its files are on, each. */
  z.strictObject({
    check: z.literal("input-output"),
    bytesPerSecond: z
      .int()
      .min(64 * 1024)
      .max(2 ** 40),
  }),
  /** How much its folder may store at most; as much as there is, if nothing is said. */
  z.strictObject({
    check: z.literal("disk"),
    bytes: z
      .int()
      .min(16 * 1024 * 1024)
      .max(2 ** 52)
      .optional(),
  }),
  /** Programs in its files give nobody more rights, and files that are devices do not work as such. */
  z.strictObject({ check: z.literal("root-mount") }),
  /** Whether its root is root of this computer. */
  z.strictObject({
    check: z.literal("user-namespace"),
    to: z.enum(["unprivileged", "privileged"]),
    /** The one that changes nothing on the disk where this computer can do that, if nothing is said. */
    way: z.enum(conversionWays).optional(),
    /** The host's id of its root; the next ones that nobody has, if nothing is said. */
    firstId: z
      .int()
      .min(65_536)
      .max(2 ** 32 - 65_537)
      .optional(),
  }),
  /** Mounts its files read-only, but for these. */
  z.strictObject({ check: z.literal("read-only"), places: writablePlaces }),
  /** Takes the marks off files that the finding names by these. */
  z.strictObject({
    check: z.literal("suid-files"),
    files: z
      .array(z.string().regex(/^[0-9a-f]{32}$/))
      .min(1)
      .max(200),
  }),
]);
export type SecurityFix = z.infer<typeof securityFix>;
/** Changes whose files a container has, or what the kernel shows of that, beside lines of its configuration. */
export type ConversionFix = Extract<SecurityFix, { check: "user-namespace" }>;
/** Fixes that change lines of a configuration. */
export type ConfigurationFix = Exclude<SecurityFix, ConversionFix | { check: "suid-files" | "disk" }>;
/** Whether a container that runs goes on running with a fix of that, and has it at once. */
export function isFixedAtOnce(check: SecurityFix["check"]): boolean {
  return check === "suid-files" || check === "disk";
}
export const fixableChecks = securityFix.options.map(({ shape }) => shape.check.value) as [SecurityFix["check"], ...SecurityFix["check"][]];

/** A person's reason to leave something as it is: one line or several, with nothing that does not show. */
export const riskNote = z
  .string()
  .max(500)
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u)
  .refine((note) => note.trim() !== "", { message: "says nothing" });

export type AcceptedRisk = { note: string /** Who accepted it. */; uid: number /** Milliseconds since the epoch. */; at: number };

/** Those whose updates can be looked for, inside and by themselves. */
export const packageManagerNames = ["apt-get", "dnf", "apk", "pacman"] as const;
export type PackageManager = (typeof packageManagerNames)[number];
/** A package that is older in a container than its distribution has it. Where that does not say which are for security, each is. */
export type PendingUpdate = { name: string; from?: string; to: string; isSecurity: boolean };
/** A file that gives whoever runs it more rights. */
export type MarkedFile = {
  id: string;
  /** As it may be shown. */
  path: string;
  rights: string;
  /** `stray`: of no package. `unlisted`: of one that is not known to ship it so. */
  verdict: "shipped" | "unlisted" | "stray";
  package?: string;
  /** It lies in the container's own files, and not in those of an image or a base. */
  isOwn: boolean;
};

/** One check of one container. Texts are for people. */
export type SecurityFinding = {
  check: SecurityCheckId;
  state: SecurityState;
  title: string;
  /** One sentence: how it is. */
  summary: string;
  /** Why it matters, in one plain sentence. */
  why: string;
  /** What was read, and where: of a container that runs the kernel's own word. */
  evidence: string[];
  /** Where what runs is not what the configuration says: it was changed since the start. */
  difference?: string;
  /** Fixes that would make it better, the one that suits best first. */
  fixes: SecurityFix[];
  /** Of `capabilities`: what a choice of one's own starts from. */
  capabilities?: {
    has: CapabilityName[];
    /** What it could have at most. */
    given: CapabilityName[];
    init: "systemd" | "other";
    neededByInit: CapabilityName[];
  };
  /** Of `suid-files`: what marks can be taken off. */
  markedFiles?: { files: MarkedFile[] /** Why none can be changed now. */; obstacle?: string };
  /** Of `disk`, where its folder can be limited: what it may store, if that is limited. */
  diskLimit?: { bytes?: number };
  /** There is a fix of ours that can be taken back. */
  canUndo: boolean;
  accepted?: AcceptedRisk;
};

export type SecurityReport = {
  name: string;
  grade: Grade;
  /** 0 to 100, before what limits the grade. */
  score: number;
  /** Why the grade is lower than the score's. */
  limitedBy?: string;
  isRunning: boolean;
  findings: SecurityFinding[];
};

/** One check of this computer's kernel. */
export type HostSecurityFinding = {
  id: string;
  state: Exclude<SecurityState, "critical">;
  title: string;
  summary: string;
  why: string;
  evidence: string[];
};

export type SecurityOverview = {
  /** The worst first. */
  containers: SecurityReport[];
  /** Containers that are not managed or could not be read, with the reason. */
  skipped: { name: string; reason: string }[];
  host: { grade: Grade; score: number; findings: HostSecurityFinding[] };
};

export const reportFormats = ["json", "pdf"] as const;
export type ReportFormat = (typeof reportFormats)[number];
/** `page`: where this host cannot make a PDF, a page of HTML that a person prints. */
export type SecurityReportFile = { type: ReportFormat | "page" /** In base64. */; content: string };

/** What a fix would do. */
export type SecurityFixPreview = {
  /** What the lines below are of; `nothing` where commands alone do it. */
  changes: "configuration" | "files" | "nothing";
  /** What it is for, in one sentence. */
  summary: string;
  /** What may not work any more. */
  mayBreak: string;
  removes: string[];
  adds: string[];
  /** Files of ours that the lines name. */
  files: { path: string; text: string }[];
  /** What runs as root, as argv arrays. */
  commands?: string[][];
  /** It takes effect with the next start, so a container that runs is restarted. */
  needsRestart: boolean;
  /** Of a fix that concerns its files. */
  conversion?: {
    way: ConversionWay;
    /** Files that are given to other ids. */
    files: number;
    /** The host's ids that an unprivileged container gets. */
    ids?: { first: number; count: number };
    /** Both ways, with the reason why one cannot be gone here. */
    ways: { way: ConversionWay; reason?: string }[];
    /** Snapshots, which stay as they are. */
    snapshots: number;
  };
};
