import type { Application } from "./application.ts";

/** What the helper reports. These are plain types: they travel from root to the renderer, which trusts its root. */

/** The text of a row's state is this word with a capital. */
export type ContainerState = "stopped" | "starting" | "running" | "stopping" | "frozen" | "error";

export type Container = {
  name: string;
  /** False where the name is outside the pattern that may be passed to tools: listed, read-only. */
  manageable: boolean;
  state: ContainerState;
  /** Why the state is `error`, or what is unusual about this container: one sentence. */
  note?: string;
  privileged: boolean;
  autostart: boolean;
  ipv4: string[];
  ipv6: string[];
  /** When init was started, milliseconds since the epoch. Only while it runs. */
  startedAt?: number;
  /** The init process as the host sees it. Only while it runs. */
  initPid?: number;
  /** How its last run ended, where that was watched. Only while it does not run. */
  ended?: RunEnd;
  /** The container whose root file system lies below this overlay clone. */
  clonedFrom?: string;
  /** Overlay clones that need this container's root file system. */
  clones: string[];
  /** The image of the store whose files lie below this container's own. */
  image?: { id: string; title: string };
  /** It is only tried out, and goes when it is stopped. */
  throwAway?: true;
  /** How the root file system is stored: LXC's own word. */
  storage: "dir" | "overlay" | "btrfs" | "zfs" | "lvm" | "loop" | "other";
  /** An operation of ours that is running on it. */
  operation?: { task: string; kind: TaskKind };
};

/** How init ended. With neither an exit code nor a signal, that is not known: LXC's log of that run tells less. */
export type RunEnd = {
  /** LXC was told to end it at once: by `lxc-stop -k`, by one whose time was over, or by another program of LXC's. */
  byLxc?: true;
  exitCode?: number;
  /** `SIGKILL`. That of a shutdown is SIGINT, and of a reboot SIGHUP (reboot(2)). */
  signal?: string;
};

/** A copy of a container that lxc-snapshot has made. */
export type Snapshot = {
  name: string;
  /** Milliseconds since the epoch, where it is known. */
  createdAt?: number;
  /** The first line of what somebody noted about it. */
  comment?: string;
};

/** How much room a container takes. Blocks that btrfs or xfs shares between copies count for each of them. */
export type DiskUsage = {
  /** What it stores itself: all of a plain folder, of an overlay its own layer alone. */
  rootfsBytes?: number;
  /** Why that cannot be told, as a sentence. */
  missing?: string;
  /** True where its files lie on those of another container, or of an image, which are not counted here. */
  sharesBase: boolean;
  /** What lxc-snapshot has kept of it, the newest first. */
  snapshots: { name: string /** Absent where it cannot be told. */; bytes?: number }[];
  /** When counting ended, milliseconds since the epoch. */
  measuredAt: number;
  /** Of the file system that its files lie on; where they lie in no folder, of the one with its configuration. */
  fileSystem: { totalBytes: number /** For whoever is not root. */; availableBytes: number };
};

export type ContainersSnapshot = { revision: number; containers: Container[] };

/** Sent after a snapshot; a revision that is not one above the last means: take a new snapshot. */
export type ContainersChanged = { revision: number; changed: Container[]; removed: string[] };

export type HostInfo = {
  hostname: string;
  kernel: string;
  /** Version of the lxc tools, "5.0.2". Absent where they are not installed. */
  lxcVersion?: string;
  lxcPath: string;
  cgroupVersion: "v1" | "v2" | "hybrid";
  cpus: number;
  memoryBytes: number;
  bridge?: { name: string; address: string; prefix: number; up: boolean; reservesAddresses: boolean };
  /** All bridges that are there now, LXC's own among them. */
  bridges: string[];
  /** Id range that unprivileged containers may be given: root's lines of /etc/subuid and /etc/subgid. */
  idRange?: { first: number; count: number };
  freeBytes: number;
  /** Why no container can be limited in how much it stores, as a sentence; absent where it can. */
  noDiskLimit?: string;
};

/** Everything that the Host page looks at, in the order in which it is shown. */
export const hostCheckNames = [
  "lxc",
  "kernel",
  "cgroups",
  "user-namespaces",
  "subids",
  "apparmor",
  "seccomp",
  "lxcfs",
  "bridge",
  "dhcp",
  "forwarding",
  "masquerading",
  "firewall",
  "ipv6",
  "storage",
  "free-space",
  "polkit",
  "agent",
  "templates",
  "images",
] as const;
export type HostCheckName = (typeof hostCheckNames)[number];

/** One thing that containers need of this computer: whether it is there, by which facts, and how it is mended. */
export type HostCheck = {
  name: HostCheckName;
  /** `problem`: containers cannot be made or started. `warning`: they can, and something is missing or cannot be told. */
  status: "ok" | "warning" | "problem";
  /** The check's name as people read it: "User namespaces". */
  title: string;
  /** One sentence: how it is. */
  summary: string;
  /** The facts behind it as they were read: a file and its value, a line each. Never a secret, an address of a person or a name of one. */
  evidence: string[];
  /** Why it matters. */
  explanation: string;
  /** Only where we can mend it: what that does, and the very commands. */
  fix?: { summary: string; commands: string[][] };
};

export type Template = {
  name: string;
  title: string;
  /** One sentence: what comes out of it. */
  description: string;
  /** Absent where it is not known: a template of this computer's own. */
  needsNetwork?: boolean;
  /** True of a system without a package manager, as far as it is known. */
  hasNoPackages?: boolean;
  /** Programs that it calls and that are not installed. */
  missingTools: string[];
  /** True where the fix of the Host page's check "Templates" installs all of them. */
  canInstallTools: boolean;
  /** Its form: everything that it may be asked for. */
  options: TemplateOption[];
};

export type TemplateOption = {
  /** The template's own name for it, without hyphens. */
  name: string;
  /**
   * `word`: one word. `list`: names of packages, units, ... `choice`: one of `suggestions`. `yes-no`: chosen or left out. A password is
   * shown nowhere, but while the template runs everybody on this computer can see it among its arguments.
   */
  kind: "word" | "url" | "list" | "choice" | "yes-no" | "user" | "password";
  label: string;
  /** Of ours where we know the option, otherwise the template's own words. */
  description?: string;
  suggestions: string[];
  /** What we pass on where nothing is chosen. Absent: the template decides. */
  default?: string;
  /** How it is passed on: `--release=` with the value, `--release` or `-r` before it, or nothing before values that stand alone. */
  flag: string;
  /** True for what few people need. */
  isMore: boolean;
};

/**
 * What can be counted of a container, and of the computer as a whole, at one tick. A figure that is absent is not available on this host
 * (`MetricsSample.missing` says why) or not known yet (a rate needs two readings); it is never 0 instead.
 */
export type MetricsFigures = {
  /** Per cent of one core. */
  cpuPercent?: number;
  /** The same, spent in programs and in the kernel for them. */
  cpuUserPercent?: number;
  cpuSystemPercent?: number;
  /** Per cent of the time in which its CPU limit kept it from running. */
  cpuThrottledPercent?: number;
  /** CPU time used since start, nanoseconds. */
  cpuNanoseconds?: number;
  /** min(quota / period, cpuset, host CPUs). */
  cpuLimit?: number;
  /** Usage minus inactive file cache, bytes. */
  memoryBytes?: number;
  /** Inactive and active file cache, bytes. */
  memoryCacheBytes?: number;
  /** The bands that all of its memory consists of, bytes. */
  memoryAnonymousBytes?: number;
  memoryKernelBytes?: number;
  memoryActiveFileBytes?: number;
  memoryInactiveFileBytes?: number;
  /** Absent where there is none. */
  memoryLimitBytes?: number;
  swapBytes?: number;
  /** Absent where there is none. */
  swapLimitBytes?: number;
  /** How often it has reached its memory limit since start, and how many of its processes were killed for it. */
  memoryLimitHits?: number;
  oomKills?: number;
  diskReadBytesPerSecond?: number;
  diskWriteBytesPerSecond?: number;
  diskReadsPerSecond?: number;
  diskWritesPerSecond?: number;
  networkReceivedBytesPerSecond?: number;
  networkSentBytesPerSecond?: number;
  networkReceivedPacketsPerSecond?: number;
  networkSentPacketsPerSecond?: number;
  /** In both directions. */
  networkDropsPerSecond?: number;
  processes?: number;
  /** Threads of all processes: what `processesLimit` counts. */
  threads?: number;
  processesLimit?: number;
  /** Pressure: per cent of the time since the last tick in which some process had to wait for a CPU. */
  cpuPressurePercent?: number;
  /** The same for memory that had to be brought back or freed first. */
  memoryPressurePercent?: number;
  /** The same for disks. */
  diskPressurePercent?: number;
};
export type MetricsFigure = keyof MetricsFigures;

/** One network interface of a container at one tick. */
export type InterfaceSample = {
  name: string;
  receivedBytesPerSecond?: number;
  sentBytesPerSecond?: number;
  receivedPacketsPerSecond?: number;
  sentPacketsPerSecond?: number;
  dropsPerSecond?: number;
};

/** What figures are about, and why all of those of one may be absent: a sentence for people. */
export const metricsSubjects = ["cpu", "memory", "swap", "disk", "network", "processes", "pressure", "events"] as const;
export type MetricsSubject = (typeof metricsSubjects)[number];
export type MissingFigures = { [subject in MetricsSubject]?: string };

/** One container at one tick. */
export type MetricsSample = MetricsFigures & {
  name: string;
  /** Only of containers that are watched by name. */
  interfaces?: InterfaceSample[];
  /** Only of containers that are watched by name, and of the host. */
  missing?: MissingFigures;
};

/** One notification per tick for everything that is watched. */
export type MetricsTick = {
  /** Milliseconds since the epoch. */
  time: number;
  /** True where earlier ticks are missing: a chart draws a gap. */
  afterGap: boolean;
  samples: MetricsSample[];
  /** Containers in which nothing has moved since their last sample, which counts for this tick as well. */
  unchanged: string[];
  /** The computer as a whole, where it is watched. */
  host?: MetricsFigures & { missing?: MissingFigures };
};

export const taskKinds = [
  "create",
  "clone",
  "try",
  "keep",
  "discard",
  "start",
  "stop",
  "force-stop",
  "restart",
  "freeze",
  "unfreeze",
  "destroy",
  "first-start",
  "recover",
  "repair",
  "harden",
  "soften",
  "fix",
  "download",
  "load",
  "import",
  "save-image",
  "delete-image",
] as const;
export type TaskKind = (typeof taskKinds)[number];

export type Task = {
  id: string;
  kind: TaskKind;
  /** The container that it works on; of a fix, the title of the check that it mends; of a download, an import and a deleted image, the image's title. */
  target: string;
  /** `waiting`: something else works on its container first. */
  state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
  /** Who asked for it; absent where nobody did. */
  requestedBy?: { uid: number /** Absent where the computer does not know one. */; user?: string };
  /** What was asked for, so that it can be asked for again; it is parsed again then. */
  request?: { method: string; params: object };
  /** Where something of it was kept nowhere: with what the dialog is filled in to ask for it again. */
  form?: import("./methods.ts").FilledIn;
  /** True of what a helper before or beside this one did: it was read from disk. */
  isOfAnotherHelper?: boolean;
  /** While it waits: for which operation about which container, and which task that is; no task where it is another helper's. */
  waitsFor?: { operation: string; name: string; task?: string };
  /** What it is doing now, for people. */
  step?: string;
  /** 0 to 1, where it is known. */
  fraction?: number;
  cancellable: boolean;
  /** When it was asked for, where it had to wait. All times are milliseconds since the epoch. */
  askedAt?: number;
  /** When its work began; of what has not begun yet, when it was asked for. */
  startedAt: number;
  endedAt?: number;
  problem?: import("./problems.ts").Problem;
  /** What a person should know although it worked: sentences. */
  notices: string[];
  /** The commands that ran, in order, as argv arrays. */
  commands: string[][];
  /** Of a start; it may come when the task has ended already. */
  endedAtOnce?: EndedAtOnce;
};

/** A container was started, and its first program ended within a moment. */
export type EndedAtOnce = {
  /** How its first program ended; absent where LXC's log does not tell. */
  exitCode?: number;
  signal?: string;
  /** What it had written to its console, the end of it. */
  console: string;
  /** Why, where the facts tell. */
  cause?: import("./start-causes.ts").StartCause;
};

export type TasksSnapshot = { revision: number; tasks: Task[] };
export type TasksChanged = { revision: number; changed: Task[]; removed: string[] };

export type LogKind = "lxc" | "console";
export type LogText = {
  text: string;
  /** True where the file has earlier lines that were left out. */
  truncated: boolean;
  path: string;
  /** False where there is no such log (yet). */
  exists: boolean;
};

export type Settings = {
  theme: "system" | "light" | "dark";
  /** How long a graceful stop may take before the app asks whether to kill, seconds. */
  stopTimeoutSeconds: number;
  /** Give the administrator's rights back after this many minutes without a click; 0 is never. */
  lockAfterMinutes: number;
  /** Addresses of image servers, without a slash at the end. */
  imageServers: string[];
  /** A file of OpenPGP keys that images may be signed with; empty where there is none. */
  imageKeyring: string;
  /** How much of the disk the history of figures may take; 0: none is kept. */
  historyMegabytes: number;
  terminal: import("./terminal-settings.ts").TerminalSettings;
  /** Those that a person has changed. */
  shortcuts: import("./terminal-settings.ts").Shortcuts;
};

/** What is given is changed. */
export type SettingsChange = Partial<Omit<Settings, "terminal">> & { terminal?: Partial<Settings["terminal"]> | undefined };

/** A file of public keys of the person's own, of which private ones are never read. */
export type PublicKeyFile = {
  /** Without its folder, `~/.ssh`. */
  name: string;
  /** Its only line. */
  key: string;
};

/** What can be downloaded of an image server: one build of a distribution's release. */
export type OfferedImage = {
  id: string;
  /** The server's address, and the image's folder below it. */
  server: string;
  path: string;
  /** Lower-case words of the server: "alpine", "3.22", "amd64", "default". */
  distribution: string;
  release: string;
  architecture: string;
  variant: string;
  /** The server's stamp, "20261123_13:00". */
  build: string;
  /** The same as milliseconds since the epoch, where it is a time. */
  builtAt?: number;
  /** Of its compressed file system, once the server was asked for it. */
  bytes?: number;
};

/** What one image server said. */
export type ServerAnswer = {
  url: string;
  /** When its list was read, milliseconds since the epoch; absent where it never was. */
  fetchedAt?: number;
  /** Lines of its list that were not understood. */
  skippedLines: number;
  /** Why the last attempt to read its list failed; what is shown of it is older. */
  problem?: import("./problems.ts").Problem;
};

export type Catalog = {
  /** This computer's, as Debian calls it. */
  architecture: string;
  servers: ServerAnswer[];
  images: OfferedImage[];
};

/** What is known of who made an image. Its checksums are always compared; this is about who vouches for them. */
export type ImageSignature =
  | { state: "good"; signer: string; fingerprint: string }
  /** The server has no signature. */
  | { state: "none" }
  /** There is one, and nothing to compare it with. */
  | { state: "unchecked"; reason: "no-keyring" | "unknown-key" | "no-gpg" };

export type Download = {
  image: OfferedImage;
  /** `interrupted`: a part is here, and downloading goes on from there. */
  state: "downloading" | "interrupted" | "downloaded";
  /** The task that downloads it. */
  task?: string;
  /** On disk. */
  bytes: number;
  /** Milliseconds since the epoch. */
  downloadedAt?: number;
  signature?: ImageSignature;
  /** Why it was interrupted, where that was since the app was started. */
  problem?: import("./problems.ts").Problem;
};

/** What a new container is going to be. */
export type ContainerPreview = {
  /** What runs for it, in this order, as its task is going to tell it. */
  commands: string[][];
  /** What is going to be different from what was asked for, or is known only later: sentences. */
  notices: string[];
  configuration: string;
  /** What it would be with nothing chosen but its name and its source. */
  defaultConfiguration: string;
};

/** What became of an archive. */
export type ContainersOfArchive = {
  /** The ready image. */
  image: string;
  failed: { name: string; problem: import("./problems.ts").Problem }[];
};

/** What containers can be made of in no time: a root file system of the helper's store, which they share and never change. */
export type ReadyImage = {
  id: string;
  title: string;
  /** `server`: of an image server; `archive`: of somebody's own file; `oci`: of a registry or archive of OCI; `container`: saved from one. */
  origin: "server" | "archive" | "oci" | "container";
  /** Containers of it are what it is, because its files have their owners already. */
  unprivileged: boolean;
  /** On disk. */
  bytes: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Of the archive that its root file system came in. */
  sha256?: string;
  /** Which one of a server's catalog it was. */
  image?: string;
  /** Which image of OCI it was: the SHA-256 of its manifest. */
  manifest?: string;
  /** What its containers run instead of an init system. */
  application?: Application;
  /** Those that lie on it. */
  containers: string[];
};

/** The images of Docker and OCI that a file of the person's holds. */
export type OciFile = { images: { /** As `oci.create` takes it. */ reference: string; title: string }[] };

/** An image of OCI as its registry or archive tells of it, for this computer's architecture. */
export type OciImage = {
  title: string;
  /** SHA-256 of its manifest. */
  manifest: string;
  /** Of its layers, compressed as they are. */
  bytes: number;
  layers: number;
  architecture: string;
  /** Milliseconds since the epoch; many images do not tell. */
  createdAt?: number;
  application: Application;
};

/** An answer of polkit's that is not asked for again until then (milliseconds since the epoch). */
export type RememberedRight = { action: string; container?: string; until: number };

/** `asks`: only with a password. `unknown`: polkit did not answer. */
export type RightAnswer = "granted" | "asks" | "refused" | "unknown";

/** What the person who uses the app may, of the actions of polkit's policy. */
export type Rights = {
  /** By action, for no container in particular: a rule may say otherwise for single ones. */
  answers: Record<string, RightAnswer>;
  remembered: RememberedRight[];
  /** What polkit itself keeps of this session's answers; undefined where it cannot be asked. */
  kept?: RememberedRight[];
};

/** One call of a method that needed a right, by anybody. */
export type AuditEntry = {
  /** When it ended, milliseconds since the epoch. */
  at: number;
  uid: number;
  /** Absent where nobody knows that uid any more. */
  user?: string;
  method: string;
  rights: string[];
  container?: string;
  /** The code of what went wrong; absent where it was done. */
  problem?: string;
};

/** The host's connection to the helper, as the renderer sees it. */
export type Session =
  | { state: "starting" }
  /** A password dialog is (or may be) open. */
  | { state: "authenticating" }
  | {
      state: "ready";
      mode: "full" | "limited" | "root";
      version: string /** Counts helpers: subscribe anew when it grows. */;
      epoch: number;
    }
  | { state: "failed"; problem: import("./problems.ts").Problem /** A new attempt is already under way. */; retrying: boolean };
