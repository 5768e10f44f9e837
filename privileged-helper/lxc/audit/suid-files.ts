import { createHash } from "node:crypto";
import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { ProblemError, toProblem } from "../../contract/problems.ts";
import type { SecurityFix } from "../../contract/security.ts";
import { lastValueOf } from "../config.ts";
import { parseCapabilities } from "../file-capabilities.ts";
import { listFiles } from "../folder.ts";
import { lookInside, readStart } from "../look-inside.ts";
import { openInside } from "../open-inside.ts";
import { run } from "../run.ts";
import { isFolder } from "../start-facts.ts";
import { type AuditFacts, statusField } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";
import { knownPrograms } from "./known-suid-programs.ts";
import { explainUnchangeable } from "./unchangeable.ts";

/** What gives whoever runs it more rights. */
export type PrivilegedFile = {
  /** Without a leading slash. */
  path: string;
  /** Bits 04000 and 02000. */
  bits: number;
  /** As getcap(8) prints them. */
  capabilities?: string;
  /** The owner and the group, as numbers of this computer. */
  uid: number;
  gid: number;
  /** The same for all names of one file. */
  inode: string;
};

const searchTimeoutSeconds = 10;
const maxFiles = 2000;
/** A system has about thirty. */
const maxListedFiles = 200;
const maxListBytes = 4 * 1024 * 1024;
const maxPackages = 5000;

/** Files that give more rights, and whether the distribution means them to. */
export async function checkSuidFiles(facts: AuditFacts): Promise<Judgement> {
  const common = {
    title: "Programs with more rights",
    why: "A program with SUID, SGID or capabilities of its own that nobody means to be there is how a user becomes root, or stays it.",
    fixes: [] as SecurityFix[],
  };
  if (facts.layers.length === 0) {
    const summary = "Its files are in no folder of this computer, so they cannot be searched while it is audited.";
    return { ...common, state: "unknown", summary, evidence: [`storage: ${facts.storage}`] };
  }
  let files: PrivilegedFile[];
  try {
    files = await findPrivilegedFiles(facts.layers);
  } catch (thrown) {
    const problem = toProblem(thrown);
    const summary =
      problem.code === "timed-out"
        ? `Searching its files took longer than ${searchTimeoutSeconds} seconds.`
        : "Its files could not be searched.";
    const evidence = [problem.code === "tool-missing" ? `${problem.tool} is not installed` : problem.code];
    return { ...common, state: "unknown", summary, evidence };
  }
  const judged = judgeFiles(facts, files);
  const strays = judged.filter(({ verdict }) => verdict === "stray");
  const unlisted = judged.filter(({ verdict }) => verdict === "unlisted");
  // Where the kernel heeds none of them, they are only files.
  const isHeeded = !(facts.running
    ? statusField(facts.running, "NoNewPrivs") === "1"
    : lastValueOf(facts.entries, "lxc.no_new_privs") === "1");
  const shipped = judged.length - strays.length - unlisted.length;
  const isOwn = ({ path }: PrivilegedFile) => facts.layers.length === 1 || isInLayer(facts.layers[0] ?? "", path);
  const obstacle = explainUnchangeable(facts);
  const listed = [...strays, ...unlisted, ...judged.filter(({ verdict }) => verdict === "shipped")].slice(0, maxListedFiles);
  const suspicious = listed.filter(({ file, verdict }) => verdict !== "shipped" && isOwn(file)).map(({ file }) => idOf(file));
  return {
    ...common,
    fixes: obstacle === undefined && suspicious.length > 0 ? [{ check: "suid-files", files: suspicious }] : [],
    markedFiles: {
      ...(obstacle !== undefined && { obstacle }),
      files: listed.map(({ file, verdict, owner }) => ({
        id: idOf(file),
        path: shownPath(file),
        rights: rightsOf(file),
        verdict,
        isOwn: isOwn(file),
        ...(owner !== undefined && { package: owner }),
      })),
    },
    state: strays.length > 0 && isHeeded ? "problem" : strays.length + unlisted.length > 0 && isHeeded ? "warning" : "ok",
    summary:
      strays.length > 0
        ? `${count(strays.length)} that no distribution ships so: ${strays
            .slice(0, 3)
            .map(({ file }) => shownPath(file))
            .join(", ")}${isHeeded ? "." : ", which the kernel does not heed here."}`
        : unlisted.length > 0
          ? `${count(unlisted.length)} that ${unlisted.length === 1 ? "belongs" : "belong"} to a package, and is not known to be shipped so.`
          : `${shipped === 0 ? "None." : `${count(shipped)}, all as distributions ship them.`}`,
    evidence: [...strays, ...unlisted, ...judged.filter(({ verdict }) => verdict === "shipped")]
      .slice(0, 60)
      .map(
        ({ file, verdict, owner }) =>
          `${shownPath(file)}: ${rightsOf(file)}${verdict === "shipped" ? ", as shipped" : owner ? `, of package ${owner}` : ", of no package"}`,
      )
      .concat(judged.length === 0 ? ["no file with SUID, SGID or capabilities was found"] : []),
  };
}

/**
 * Searches folders without following a link, and not into other file systems: find(1) opens each folder from the one above it. What it
 * and getcap(8) say is looked at again, so that a name that was swapped meanwhile tells nothing of this computer's files.
 * @throws ProblemError `timed-out`, `command-failed`, `tool-missing`.
 */
export async function findPrivilegedFiles(layers: readonly string[]): Promise<PrivilegedFile[]> {
  const files = new Map<string, PrivilegedFile>();
  for (const layer of layers) {
    if (!isFolder(layer)) throw new ProblemError({ code: "not-found", what: layer.slice(0, 255) });
    // 1: files went while it searched, as those of a container that runs do.
    const options = { timeoutSeconds: searchTimeoutSeconds, allowExitCodes: [0, 1] };
    // One after the other: starting a process holds up everything else for a moment.
    const marked = await run("find", ["-P", layer, "-xdev", "-type", "f", "-perm", "/6000", "-print0"], options);
    const capable = await run("getcap", ["-r", layer], options);
    const capabilities = new Map(parseCapabilities(capable.output, layer).map(({ path, capabilities }) => [path, capabilities]));
    const paths = new Set([...marked.output.split("\0").filter((path) => path.startsWith(`${layer}/`)), ...capabilities.keys()]);
    for (const path of [...paths].slice(0, maxFiles)) {
      const relative = path.slice(layer.length + 1);
      // An upper layer may have another file of that name, or have it removed.
      const found = layers.length > 1 ? lookInside(layers, relative) : { layer, relative };
      const status = found?.layer === layer && found.relative === relative ? statInside(layer, relative) : undefined;
      if (!status) continue;
      const bits = status.mode & 0o6000;
      const set = capabilities.get(path);
      if (bits === 0 && set === undefined) continue;
      files.set(relative, {
        path: relative,
        bits,
        uid: status.uid,
        gid: status.gid,
        inode: `${status.dev}:${status.ino}`,
        ...(set !== undefined && { capabilities: set }),
      });
    }
  }
  return [...files.values()].sort((one, other) => one.path.localeCompare(other.path));
}

type Judged = { file: PrivilegedFile; verdict: "shipped" | "unlisted" | "stray"; owner?: string };

/** `/bin/su` and `/usr/bin/su` are the same file in most systems of today. */
export function withUsr(path: string): string {
  return path.replace(/^(s?bin|lib(32|64)?)\//, "usr/$1/");
}

function judgeFiles(facts: AuditFacts, files: readonly PrivilegedFile[]): Judged[] {
  const isKnown = (file: PrivilegedFile) => {
    const known = knownPrograms.get(withUsr(file.path));
    if (!known) return false;
    return (file.bits & ~known.bits) === 0 && (file.capabilities === undefined || known.capabilities === true);
  };
  const knownInodes = new Set(files.filter(isKnown).map(({ inode }) => inode));
  const isShipped = ({ inode }: PrivilegedFile) => knownInodes.has(inode);
  const unknown = files.filter((file) => !isShipped(file));
  const owners =
    unknown.length === 0
      ? new Map<string, string>()
      : readOwners(
          facts.layers,
          unknown.map(({ path }) => path),
        );
  return files.map((file) => {
    if (isShipped(file)) return { file, verdict: "shipped" };
    const owner = owners.get(file.path);
    const isInterpreter =
      /(^|\/)((ba|da|z|k|fi|c|tc)?sh|python[\d.]*|perl[\d.]*|ruby[\d.]*|node|vim?|find|awk|gawk|mawk|env|tar|cp|dd|nano|less|more|gdb|strace)$/.test(
        file.path,
      );
    return owner === undefined || isInterpreter ? { file, verdict: "stray", owner } : { file, verdict: "unlisted", owner };
  });
}

/** dpkg's lists of files (dpkg(1), /var/lib/dpkg/info/PACKAGE.list), which are only text here. */
function readOwners(layers: readonly string[], paths: readonly string[]): Map<string, string> {
  const owners = new Map<string, string>();
  const wanted = new Map<string, string>(
    paths.flatMap(
      (path) =>
        [
          [`/${path}`, path],
          [`/${withUsr(path)}`, path],
          [`/${path.replace(/^usr\//, "")}`, path],
        ] as const,
    ),
  );
  const folder = lookInside(layers, "/var/lib/dpkg/info");
  if (folder?.type !== "folder") return owners;
  for (const name of listFiles(join(folder.layer, folder.relative)).slice(0, maxPackages)) {
    if (!/^[a-z0-9][a-z0-9+.:-]*\.list$/.test(name)) continue;
    const found = lookInside(layers, `/var/lib/dpkg/info/${name}`);
    if (found?.type !== "file") continue;
    for (const line of readStart(found, maxListBytes).toString("utf8").split("\n")) {
      const path = wanted.get(line);
      if (path !== undefined) owners.set(path, name.slice(0, -".list".length));
    }
  }
  return owners;
}

function isInLayer(layer: string, relative: string): boolean {
  return statInside(layer, relative) !== undefined;
}

function statInside(layer: string, relative: string) {
  const file = openInside(layer, relative);
  if (file === undefined) return undefined;
  try {
    return fstatSync(file);
  } finally {
    closeSync(file);
  }
}

export function rightsOf({ bits, capabilities }: Pick<PrivilegedFile, "bits" | "capabilities">): string {
  return [bits & 0o4000 ? "SUID" : "", bits & 0o2000 ? "SGID" : "", capabilities ?? ""].filter(Boolean).join(", ");
}

/** Names a file in a request, so that no path comes back to root. */
export function idOf({ path }: Pick<PrivilegedFile, "path">): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 32);
}

/** A name in a container may be anything. */
export function shownPath({ path }: Pick<PrivilegedFile, "path">): string {
  return `/${path.replace(/[^\x20-\x7e]/g, "?").slice(0, 200)}`;
}

function count(number: number): string {
  return number === 1 ? "One program" : `${number} programs`;
}
