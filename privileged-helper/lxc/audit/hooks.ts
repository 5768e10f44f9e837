import { dirname, join } from "node:path";
import { lastValueOf } from "../config.ts";
import { firstWord } from "../start-facts.ts";
import type { AuditFacts } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** Where the packages of LXC and lxcfs and the administrator of this computer keep what all containers have in common. */
const usualFolders = ["/usr/share/lxc/", "/usr/share/lxcfs/", "/etc/lxc/"];

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
  const unusual = files.filter(({ path }) => !usualFolders.some((usual) => path.startsWith(usual)) && !path.startsWith(`${folder}/`));
  const evidence = [...writable, ...unusual.map(({ what, path }) => `${what} ${path}`)];
  const judgement: Judgement = {
    state: writable.length > 0 ? "critical" : unusual.some(({ what }) => isRunByRoot(what)) ? "warning" : "ok",
    title: "What root runs for it",
    summary:
      writable.length > 0
        ? "Somebody who is not root can change what root runs or reads to start it."
        : unusual.some(({ what }) => isRunByRoot(what))
          ? "Programs of this computer that do not come with LXC run as root for it."
          : "Only root can change what root runs and reads for it.",
    why: "Hooks and configurations are run and read by this computer's root: whoever can write one is root.",
    evidence: evidence.length > 0 ? evidence : [`${files.length} files were looked at, with the folders that they are in`],
    fixes: [],
  };
  return judgement;
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
