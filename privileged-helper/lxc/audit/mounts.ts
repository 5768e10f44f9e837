import { dirname } from "node:path";
import { lastValueOf, valuesOf } from "../config.ts";
import { type Mount, parseMountinfo } from "../mountinfo.ts";
import { type AuditFacts, isPrivilegedNow } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";
import { writableFolderOf } from "./writable-places.ts";

/** File systems that the kernel makes up, and that show nothing of this computer's files. */
const madeUp = new Set([
  "proc",
  "sysfs",
  "tmpfs",
  "devtmpfs",
  "devpts",
  "mqueue",
  "cgroup",
  "cgroup2",
  "securityfs",
  "debugfs",
  "tracefs",
  "fusectl",
  "hugetlbfs",
  "binfmt_misc",
  "configfs",
  "pstore",
  "bpf",
  "ramfs",
  "autofs",
  "nsfs",
  "efivarfs",
]);

/** Whoever can write these is root of this computer. */
const fatalFolders = [
  "/",
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/home",
  "/lib",
  "/lib32",
  "/lib64",
  "/opt",
  "/proc",
  "/root",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/var",
  "/var/lib",
  "/var/run",
];
/** And these are secret even where they are only read. */
const secretFolders = ["/", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/var", "/var/lib", "/var/run"];
/** Services of this computer that do whatever they are asked, as root. */
const powerfulSocket =
  /\/(docker|containerd|podman|crio|buildkitd|libvirt-sock|virtqemud-sock)\.?(sock)?$|\/(lxd|incus)\/unix\.socket$|\/dbus\/system_bus_socket$|\/systemd\/private$/;
/** Parts of a made-up file system that LXC's own configurations bind for every container. */
const usualSources =
  /^\/(sys\/(kernel\/(debug|security|tracing)|fs\/(fuse\/connections|pstore))|proc\/sys\/fs\/binfmt_misc|dev\/(null|zero|full|random|urandom|tty|fuse|net\/tun))$/;

/** Whether files of its root file system can be programs with more rights, or devices. */
export function checkRootMount(facts: AuditFacts): Judgement {
  const configured = (lastValueOf(facts.entries, "lxc.rootfs.options") ?? "").split(",").filter(Boolean);
  const root = facts.running && parseMountinfo(facts.running.mountinfo).findLast(({ mountPoint }) => mountPoint === "/");
  const options = facts.running ? (root?.options ?? []) : configured;
  const missing = ["nosuid", "nodev"].filter((option) => !options.includes(option));
  const judgement: Judgement = {
    state: missing.length === 0 ? "ok" : "warning",
    title: "How its files are mounted",
    summary:
      missing.length === 0
        ? "No file gives more rights by itself, and none is a device."
        : `Its files are mounted without ${missing.join(" and ")}.`,
    why: "A program with more rights, or a device, that got into its files would work as such.",
    evidence: [
      facts.running
        ? `/proc/PID/mountinfo: / is ${root?.type ?? "not there"} with ${options.join(",")}`
        : `lxc.rootfs.options = ${configured.join(",") || "(not set)"}`,
    ],
    fixes:
      missing.length > 0 && (facts.storage === "dir" || facts.storage === "btrfs" || facts.storage === "overlay")
        ? [{ check: "root-mount" }]
        : [],
  };
  const isConfigured = ["nosuid", "nodev"].every((option) => configured.includes(option));
  if (facts.running && isConfigured !== (missing.length === 0))
    judgement.difference = "Its configuration says otherwise: it was changed since the start.";
  return judgement;
}

/** Whether the parts of /proc and /sys that change this computer are protected from its root. */
export function checkKernelFiles(facts: AuditFacts): Judgement {
  const common = {
    title: "Settings of the kernel",
    why: "Through /proc/sys and /sys root changes how this computer works, and can have the kernel run a program of its choice.",
    fixes: [],
  };
  const mounts = facts.running ? parseMountinfo(facts.running.mountinfo) : [];
  const automatic = valuesOf(facts.entries, "lxc.mount.auto").flatMap((value) => value.split(/\s+/));
  const isOpen = (path: string, word: string) => {
    if (facts.running) return isThere(mounts, path) && !isReadOnly(mounts, path);
    const last = automatic.findLast((one) => one === word || one.startsWith(`${word}:`));
    return last === `${word}:rw`;
  };
  const open = [isOpen("/proc/sys", "proc") ? "/proc/sys" : "", isOpen("/sys", "sys") ? "/sys" : ""].filter(Boolean);
  const evidence = facts.running
    ? ["/proc/sys", "/sys"].map((path) => `${path}: ${describeMount(mounts, path)}`)
    : automatic.map((value) => `lxc.mount.auto = ${value}`);
  if (evidence.length === 0) evidence.push("lxc.mount.auto is not set");
  if (!isPrivilegedNow(facts)) {
    return {
      ...common,
      state: "ok",
      summary: "The kernel lets its root change none that are not its own, because it is not root of this computer.",
      evidence,
    };
  }
  return {
    ...common,
    state: open.length > 0 ? "problem" : "ok",
    summary: open.length > 0 ? `Its root can write ${open.join(" and ")} of this computer.` : "Those of this computer can only be read.",
    evidence,
  };
}

type Shared = { source: string; target: string; isReadOnly: boolean; danger: "none" | "some" | "fatal"; note: string };

/** Which files of this computer are in it. */
export function checkHostFiles(facts: AuditFacts): Judgement {
  const mounts = facts.running ? parseMountinfo(facts.running.mountinfo) : [];
  const lines = [...valuesOf(facts.entries, "lxc.mount.entry"), ...fstabLines(facts)];
  const shared = lines.flatMap((line) => judgeLine(facts, line, mounts) ?? []);
  const strangers = strayMounts(facts, mounts, shared);
  const fatal = shared.filter(({ danger }) => danger === "fatal");
  const some = shared.filter(({ danger }) => danger === "some");
  const judgement: Judgement = {
    state: fatal.length > 0 ? "critical" : some.length + strangers.length > 0 ? "warning" : "ok",
    title: "Files of this computer in it",
    summary:
      fatal.length > 0
        ? `${fatal.map(({ source }) => source).join(", ")} of this computer ${fatal.length === 1 ? "is" : "are"} in it: that is root of this computer.`
        : some.length > 0
          ? `It can write ${some.map(({ source }) => source).join(", ")} of this computer.`
          : strangers.length > 0
            ? "Something is mounted in it that its configuration does not name."
            : shared.length > 0
              ? "It can read some files of this computer, and write none."
              : "None but what every container needs.",
    why: "What is mounted into a container is not apart from it: it can be read there, or changed for this computer, too.",
    evidence: [
      ...shared.map(({ source, target, isReadOnly, note }) => `${source} at ${target}, ${isReadOnly ? "read-only" : "writable"}${note}`),
      ...strangers.map(({ root, type, mountPoint, options }) => `${root} of a file system of type ${type} at ${mountPoint}, ${options[0]}`),
    ],
    fixes: [],
  };
  if (judgement.evidence.length === 0) judgement.evidence.push("no lxc.mount.entry names a file or folder of this computer");
  if (strangers.length > 0)
    judgement.difference = "Mounts that no line of the configuration makes: a hook made them, or somebody did by hand.";
  return judgement;
}

/** A line of fstab(5): source, target, type, options. */
function judgeLine(facts: AuditFacts, line: string, mounts: readonly Mount[]): Shared | undefined {
  const [source = "", rawTarget = "", type = "", optionText = ""] = line.trim().split(/\s+/).map(unescapeBlank);
  const options = optionText.split(",");
  const isBind = options.includes("bind") || options.includes("rbind") || type === "none" || type === "bind";
  if (!source.startsWith("/")) return undefined;
  const target = `/${rawTarget.replace(new RegExp(`^${escapeForPattern(facts.layers.at(-1) ?? "/")}`), "").replace(/^\/+/, "")}`;
  const status = facts.status(source);
  const real = status?.realPath ?? source;
  const isDevice = status?.type === "device";
  if (!isBind && !isDevice) return undefined;
  if (usualSources.test(real)) return undefined;
  // Its own files, which lie beside its root file system where that is read-only.
  if (real === source && real.startsWith(`${writableFolderOf(facts.lxcPath, facts.name)}/`)) return undefined;
  const inForce = mounts.findLast(({ mountPoint }) => mountPoint === target);
  const readOnly = inForce ? inForce.options.includes("ro") : options.includes("ro");
  const common = { source, target, isReadOnly: readOnly, note: real === source ? "" : ` (which is ${real})` };
  if (status === undefined && options.includes("optional")) return undefined;
  if (powerfulSocket.test(real) || powerfulSocket.test(source)) return { ...common, danger: "fatal" };
  if (isDevice && /^\/dev\/(sd|vd|xvd|nvme|mmcblk|dm-|mapper\/|md|loop|mem$|kmem$|port$)/.test(real)) return { ...common, danger: "fatal" };
  // What holds a folder holds what is in it.
  const isFatal = (folders: readonly string[]) => folders.includes(real) || real === facts.lxcPath || dirname(facts.lxcPath) === real;
  if (isFatal(readOnly ? secretFolders : fatalFolders)) return { ...common, danger: "fatal" };
  const isBelowSystem =
    !readOnly &&
    fatalFolders.some(
      (folder) => ["/bin", "/boot", "/etc", "/lib", "/lib64", "/root", "/sbin", "/usr"].includes(folder) && real.startsWith(`${folder}/`),
    );
  if (isBelowSystem) return { ...common, danger: "fatal" };
  return { ...common, danger: readOnly ? "none" : "some" };
}

/** Mounts that show files of a disk which are neither the container's own nor those of a line. */
function strayMounts(facts: AuditFacts, mounts: readonly Mount[], shared: readonly Shared[]): Mount[] {
  const root = mounts.find(({ mountPoint }) => mountPoint === "/");
  const named = new Set([
    ...shared.map(({ target }) => target),
    ...valuesOf(facts.entries, "lxc.mount.entry").map((line) => `/${(line.trim().split(/\s+/)[1] ?? "").replace(/^\/+/, "")}`),
  ]);
  return mounts.filter(({ mountPoint, type, root: shown }) => {
    if (mountPoint === "/" || madeUp.has(type) || type.startsWith("fuse.lxcfs")) return false;
    if ([...named].some((target) => mountPoint === target || mountPoint.startsWith(`${target}/`) || target.endsWith(mountPoint)))
      return false;
    // A part of its own files, put elsewhere by itself.
    return !(type === root?.type && (shown === root.root || shown.startsWith(root.root === "/" ? "/" : `${root.root}/`)));
  });
}

function fstabLines(facts: AuditFacts): string[] {
  const path = lastValueOf(facts.entries, "lxc.mount.fstab");
  const text = path === undefined ? "" : (facts.read(path) ?? "");
  return text.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
}

function isThere(mounts: readonly Mount[], path: string): boolean {
  return mounts.some(({ mountPoint }) => path === mountPoint || (path.startsWith(`${mountPoint}/`) && mountPoint !== "/"));
}

/** Of what is on top there: the last mount at the path or above it. */
function isReadOnly(mounts: readonly Mount[], path: string): boolean {
  const covering = mounts
    .filter(({ mountPoint }) => path === mountPoint || path.startsWith(`${mountPoint}/`))
    .sort((a, b) => a.mountPoint.length - b.mountPoint.length);
  return covering.at(-1)?.options.includes("ro") ?? false;
}

function describeMount(mounts: readonly Mount[], path: string): string {
  if (!isThere(mounts, path)) return "not mounted";
  return isReadOnly(mounts, path) ? "read-only" : "writable";
}

function unescapeBlank(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
