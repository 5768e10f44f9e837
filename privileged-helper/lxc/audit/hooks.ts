import { dirname, join, normalize } from "node:path";
import { lastValueOf } from "../config.ts";
import { firstWord } from "../start-facts.ts";
import type { AuditFacts } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** Where the packages of LXC and lxcfs and the administrator of this computer keep what all containers have in common. */
const usualFolders = ["/usr/share/lxc/", "/usr/share/lxcfs/", "/etc/lxc/"];

/** LXC's monitor, which is root, writes there what LXC tells, and what the container prints on its console (lxc.container.conf(5)). */
const logKeys = ["lxc.log.file", "lxc.console.logfile"];
const usualLogFolders = ["/var/log/"];
/** Nothing of a system's own is there, so that such a file does no more than take room. */
const foldersOfData = ["/srv/", "/mnt/", "/media/", "/data/"];

/** What this computer's root reads or runs for a container, and who may write that. */
export function checkHooks(facts: AuditFacts): Judgement {
  const { entries, configFiles, lxcPath, name } = facts;
  const hooks = entries
    .filter(({ key, value }) => isRunByRoot(key) && value !== "")
    .map(({ key, value }) => ({ what: key, path: firstWord(value) }));
  const seccomp = lastValueOf(entries, "lxc.seccomp.profile");
  const files = [
    ...configFiles.map((path, index) => ({ what: index === 0 ? "configuration" : "lxc.include", path })),
    ...(seccomp === undefined ? [] : [{ what: "lxc.seccomp.profile", path: seccomp }]),
    ...hooks,
  ];
  const writable = files.flatMap(({ what, path }) => {
    const who = whoElseWrites(facts, path);
    return who === undefined ? [] : [`${what} ${path}: ${who}`];
  });
  const folder = join(lxcPath, name);
  const logs = oddLogs(facts, folder);
  const fatalLogs = logs.filter(({ isFatal }) => isFatal);
  const unusual = files.filter(({ path }) => !usualFolders.some((usual) => path.startsWith(usual)) && !path.startsWith(`${folder}/`));
  const evidence = [...writable, ...logs.map(({ key, path }) => `${key} = ${path}`), ...unusual.map(({ what, path }) => `${what} ${path}`)];
  const runsOthers = unusual.some(({ what }) => isRunByRoot(what));
  const judgement: Judgement = {
    state: writable.length + fatalLogs.length > 0 ? "critical" : runsOthers || logs.length > 0 ? "warning" : "ok",
    title: "What root runs for it",
    summary:
      writable.length > 0
        ? "Somebody who is not root can change what root runs or reads to start it."
        : fatalLogs.length > 0
          ? "Its log is written into a file of this computer's own."
          : runsOthers
            ? "Programs of this computer that do not come with LXC run as root for it."
            : logs.length > 0
              ? "Its log is written where logs are not kept."
              : "Only root can change what root runs and reads for it.",
    why: "Hooks and configurations are run and read by this computer's root: whoever can write one is root. So is whoever has root write into a file of the system.",
    evidence: evidence.length > 0 ? evidence : [`${files.length} files were looked at, with the folders that they are in`],
    fixes: [],
  };
  return judgement;
}

/** Logs that are written elsewhere than logs are, through whatever links are there. */
function oddLogs(facts: AuditFacts, folder: string): { key: string; path: string; isFatal: boolean }[] {
  const own = [folder, facts.status(folder)?.realPath ?? folder].map((one) => `${one}/`);
  return logKeys.flatMap((key) => {
    const path = lastValueOf(facts.entries, key);
    if (path === undefined || path === "" || path === "/dev/null") return [];
    const places = [normalize(path), facts.status(path)?.realPath].filter((place) => place !== undefined);
    const areIn = (folders: readonly string[]) => places.every((place) => folders.some((one) => place.startsWith(one)));
    if (areIn([...own, ...usualLogFolders])) return [];
    return [{ key, path, isFatal: !areIn([...own, ...usualLogFolders, ...foldersOfData]) }];
  });
}

/** `lxc.hook.start` is the container's own: it runs inside, before init (lxc.container.conf(5)). */
function isRunByRoot(key: string): boolean {
  return (
    (key.startsWith("lxc.hook.") && key !== "lxc.hook.start" && key !== "lxc.hook.version") ||
    /^lxc\.net\.\d+\.script\.(up|down)$/.test(key)
  );
}

/** @returns What is wrong with the file, or with a folder on its way; undefined where it is root's alone, or not there. */
function whoElseWrites(facts: AuditFacts, path: string): string | undefined {
  if (!path.startsWith("/")) return undefined;
  const real = facts.status(path)?.realPath;
  if (real === undefined) return undefined;
  for (const start of new Set([real, path])) {
    for (let at = start, isFile = true; ; at = dirname(at), isFile = false) {
      const status = facts.status(at);
      if (status) {
        if (status.uid > 0) return `${at} belongs to user ${status.uid}`;
        // In a sticky folder nobody takes away or renames what is somebody else's.
        const isSticky = !isFile && (status.mode & 0o1000) !== 0;
        if ((status.mode & 0o002) !== 0 && !isSticky) return `everybody can write ${at}`;
        if ((status.mode & 0o020) !== 0 && status.gid !== 0 && !isSticky) return `group ${status.gid} can write ${at}`;
      }
      if (at === "/") break;
    }
  }
  return undefined;
}
