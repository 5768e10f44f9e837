import { appendFileSync, readFileSync } from "node:fs";
import { ProblemError, toProblem } from "../contract/problems.ts";
import { createLocks, type Locks } from "../locks.ts";
import type { OperationContext, TaskContext } from "./context.ts";
import { run } from "./run.ts";

/** Ids of the host that stand for the ids of unprivileged containers: user_namespaces(7), subuid(5), lxc.container.conf(5). */
export type IdRange = { first: number; count: number };

/** Ids of one container: what a system inside expects to have, `nobody` (65534) included. */
export const idsPerContainer = 65_536;
/** A range of its own for each of this many containers. */
const containersPerHost = 1024;
/** Below are people's accounts, and what `useradd` hands out to them for containers of their own. */
const lowestFirst = 1_000_000;

/** `lxc.idmap = u|g|b INSIDE OUTSIDE COUNT` -> the ids outside that users are mapped to. */
export function parseIdmaps(values: readonly string[]): IdRange[] {
  return values.flatMap((value) => {
    const match = /^[ub] (\d+) (\d+) (\d+)$/.exec(value.trim().replace(/\s+/g, " "));
    return match ? [{ first: Number(match[2]), count: Number(match[3]) }] : [];
  });
}

/** The ids of an unprivileged container that has one range of them from 0 on, the same for users and groups; undefined where it is otherwise. */
export function singleIdRange(maps: readonly string[]): IdRange | undefined {
  const [range] = parseIdmaps(maps);
  if (!range || maps.length !== 2) return undefined;
  const isMap = (map: string, kind: string) => map.trim().replace(/\s+/g, " ") === `${kind} 0 ${range.first} ${range.count}`;
  return ["u", "g"].every((kind) => maps.some((map) => isMap(map, kind))) ? range : undefined;
}

/** Lines of `USER:FIRST:COUNT`; a user is a name or a number. @returns Ranges of everybody, or of root alone. */
export function parseSubordinateIds(text: string, ofRootAlone: boolean): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [user, first, count] = line.trim().split(":");
    if (!/^\d+$/.test(first ?? "") || !/^\d+$/.test(count ?? "")) return [];
    return ofRootAlone && user !== "root" && user !== "0" ? [] : [{ first: Number(first), count: Number(count) }];
  });
}

/** Ranges that root may give to containers: those that /etc/subuid and /etc/subgid have in common. */
export function readRootIdRanges(read: (path: string) => string | undefined = readText): IdRange[] {
  const users = parseSubordinateIds(read("/etc/subuid") ?? "", true);
  const groups = parseSubordinateIds(read("/etc/subgid") ?? "", true);
  return users.flatMap((user) =>
    groups.flatMap((group) => {
      const first = Math.max(user.first, group.first);
      const count = Math.min(user.first + user.count, group.first + group.count) - first;
      return count >= idsPerContainer ? [{ first, count }] : [];
    }),
  );
}

/**
 * Ids for a new container, which no other container has; root gets a range first where it has none.
 * @returns The range, and a function to be called once the container's configuration names it, or it was not made.
 */
export async function allocateIds(
  { reader, task }: Pick<OperationContext, "reader"> & { task: TaskContext },
  { locks = createLocks("/run/lxc-desktop/ids"), readRanges = readRootIdRanges }: { locks?: Locks; readRanges?: () => IdRange[] } = {},
): Promise<{ range: IdRange; release(): void }> {
  if (readRanges().length === 0) {
    giving ??= giveRootARange(task).finally(() => {
      giving = undefined;
    });
    await giving;
  }
  const ranges = readRanges();
  const beingUsed: IdRange[] = [];
  for (;;) {
    const first = findFreeBlock(ranges, [...reader.readClaims().idRanges, ...beingUsed]);
    if (first === undefined) return { range: shareRange(ranges, task.notice), release() {} };
    const range = { first, count: idsPerContainer };
    const release = await unlessBusy(locks.acquire({ lxcPath: "", name: String(first), operation: "create" }));
    // It may have been given away, and the lock given back, between looking and locking.
    if (release && findFreeBlock([range], reader.readClaims().idRanges) === first) return { range, release };
    release?.();
    beingUsed.push(range);
  }
}

/**
 * The same for ids that somebody has chosen.
 * @throws ProblemError `not-supported` where they are not root's to give, or somebody has them.
 */
export async function takeChosenIds(
  { reader }: Pick<OperationContext, "reader">,
  first: number,
  { locks = createLocks("/run/lxc-desktop/ids"), readRanges = readRootIdRanges }: { locks?: Locks; readRanges?: () => IdRange[] } = {},
): Promise<{ range: IdRange; release(): void }> {
  requireFree({ reader }, first, readRanges);
  const release = await locks.acquire({ lxcPath: "", name: String(first), operation: "create" });
  return { range: { first, count: idsPerContainer }, release };
}

/** @throws ProblemError `not-supported` where these ids are not root's to give, or a container has some of them. */
export function requireFree({ reader }: Pick<OperationContext, "reader">, first: number, readRanges = readRootIdRanges): IdRange {
  const range = { first, count: idsPerContainer };
  const last = first + idsPerContainer - 1;
  const isRoots = readRanges().some((one) => one.first <= first && last < one.first + one.count);
  if (!isRoots) {
    throw new ProblemError({
      code: "not-supported",
      what: `Root may not give the ids ${first} to ${last} to a container: they are not in its lines of /etc/subuid and /etc/subgid.`,
    });
  }
  if (findFreeBlock([range], reader.readClaims().idRanges) === undefined)
    throw new ProblemError({ code: "not-supported", what: `Another container has some of the ids ${first} to ${last}.` });
  return range;
}

/** The ids that a new container would get now. @param foreseen Is told what would run, and what would be noticed. */
export function foreseeIds(
  { reader }: Pick<OperationContext, "reader">,
  foreseen: { commands: string[][]; notices: string[] },
  readRanges: () => IdRange[] = readRootIdRanges,
): IdRange {
  const ranges = readRanges();
  if (ranges.length === 0) {
    foreseen.commands.push(["usermod", ...usermodArguments()]);
    ranges.push(rangeForRoot());
  }
  const first = findFreeBlock(ranges, reader.readClaims().idRanges);
  return first === undefined ? shareRange(ranges, (notice) => foreseen.notices.push(notice)) : { first, count: idsPerContainer };
}

function shareRange([range]: readonly IdRange[], notice: (sentence: string) => void): IdRange {
  if (!range)
    throw new ProblemError({ code: "not-supported", what: "Root has no ids for unprivileged containers in /etc/subuid and /etc/subgid." });
  notice("Root's range of ids is used up: this container shares the ids of another one. Add ranges to /etc/subuid and /etc/subgid.");
  return { first: range.first, count: idsPerContainer };
}

/** The lowest block of `idsPerContainer` ids in these ranges that touches none of those that are taken. */
export function findFreeBlock(ranges: readonly IdRange[], taken: readonly IdRange[]): number | undefined {
  for (const range of ranges) {
    const last = range.first + range.count - idsPerContainer;
    for (let first = range.first; first <= last; ) {
      const inTheWay = taken.find((one) => one.first < first + idsPerContainer && first < one.first + one.count);
      if (!inTheWay) return first;
      first = range.first + Math.ceil((inTheWay.first + inTheWay.count - range.first) / idsPerContainer) * idsPerContainer;
    }
  }
  return undefined;
}

/** Lines of a configuration that map a range to the ids from 0. */
export function idmapEntries({ first, count }: IdRange): [key: string, value: string][] {
  return [
    ["lxc.idmap", `u 0 ${first} ${count}`],
    ["lxc.idmap", `g 0 ${first} ${count}`],
  ];
}

async function unlessBusy<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (toProblem(thrown).code === "busy") return undefined;
    throw thrown;
  }
}

/** Several containers may be made at once; the first of them does it. */
let giving: Promise<void> | undefined;

async function giveRootARange(task: TaskContext): Promise<void> {
  // usermod changes these files and does not make them.
  for (const path of ["/etc/subuid", "/etc/subgid"]) appendFileSync(path, "", { mode: 0o644 });
  task.output("Root has no ids for unprivileged containers yet: it gets a range of its own.\n");
  await run("usermod", usermodArguments(), { task });
}

/** What gives root a range after those of everybody else, as large as all its containers need. */
export function usermodArguments(read: (path: string) => string | undefined = readText): string[] {
  const { first, count } = rangeForRoot(read);
  const range = `${first}-${first + count - 1}`;
  return ["--add-subuids", range, "--add-subgids", range, "root"];
}

function rangeForRoot(read: (path: string) => string | undefined = readText): IdRange {
  const existing = ["/etc/subuid", "/etc/subgid"].flatMap((path) => parseSubordinateIds(read(path) ?? "", false));
  const afterAll = Math.max(lowestFirst, ...existing.map(({ first, count }) => first + count));
  const first = Math.ceil(afterAll / idsPerContainer) * idsPerContainer;
  return { first, count: idsPerContainer * containersPerHost };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
