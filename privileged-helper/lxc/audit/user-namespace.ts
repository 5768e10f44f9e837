import { valuesOf } from "../config.ts";
import { type IdRange, parseIdmaps, parseSubordinateIds } from "../idmap.ts";
import { type AuditFacts, isPrivilegedNow, mapsRoot, parseMap } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** Below are accounts of the system and of people (login.defs(5), UID_MAX); a container's ids are to be nobody's. */
const lastOwnId = 65_535;

/** Whether root inside is root outside: /proc/PID/uid_map, or `lxc.idmap`. */
export function checkUserNamespace(facts: AuditFacts): Judgement {
  const { entries, running } = facts;
  const configured = valuesOf(entries, "lxc.idmap");
  const evidence = running
    ? [...rowsAsText("uid_map", running.uidMap), ...rowsAsText("gid_map", running.gidMap)]
    : configured.map((value) => `lxc.idmap = ${value}`);
  if (!running && configured.length === 0) evidence.push("lxc.idmap is not set");
  const isPrivileged = isPrivilegedNow(facts);
  const isHalf = !isPrivileged && running !== undefined && mapsRoot(parseMap(running.gidMap));
  const differs = running !== undefined && isPrivileged !== (configured.length === 0);
  const judgement: Judgement = {
    state: isPrivileged || isHalf ? "problem" : "ok",
    title: "Root inside and outside",
    summary: isPrivileged
      ? "Root of this container is root of this computer."
      : isHalf
        ? "Root's group of this container is root's group of this computer."
        : "Root of this container is an ordinary user of this computer, who may do nothing here.",
    why: "Whoever breaks out of a container is outside who they were inside; LXC itself calls containers without this not safe against their root.",
    evidence,
    fixes: isPrivileged && configured.length === 0 ? [{ check: "user-namespace", to: "unprivileged" }] : [],
  };
  if (differs) {
    judgement.difference = isPrivileged
      ? "Its configuration says that it is unprivileged: it was changed since the start."
      : "Its configuration says that it is privileged: it was changed since the start.";
  }
  return judgement;
}

/** Whether other containers, or accounts of this computer, are the same ids. */
export function checkIdRange(facts: AuditFacts): Judgement {
  const common = {
    title: "Ids of its own",
    why: "What two containers share as ids, one can do to the other's files and processes once it is out, and use up what the kernel allows both.",
    fixes: [],
  };
  if (isPrivilegedNow(facts)) {
    return { ...common, state: "not-applicable", summary: "It has the ids of this computer.", evidence: ["no user namespace"] };
  }
  const own: IdRange[] = facts.running
    ? parseMap(facts.running.uidMap).map(({ outside, count }) => ({ first: outside, count }))
    : parseIdmaps(valuesOf(facts.entries, "lxc.idmap"));
  const evidence = own.map(({ first, count }) => `${first} to ${first + count - 1}`);
  const people = [...own].filter(({ first }) => first <= lastOwnId);
  const granted = ["/etc/subuid", "/etc/subgid"].flatMap((file) => {
    const all = facts.read(file) ?? "";
    const others = all
      .split("\n")
      .filter((line) => !/^(root|0):/.test(line.trim()))
      .join("\n");
    return parseSubordinateIds(others, false)
      .filter((range) => own.some((one) => overlap(one, range)))
      .map(({ first, count }) => `${file}: ${first} to ${first + count - 1} are somebody else's`);
  });
  const sharing = [...facts.othersIdmaps].filter(([, idmaps]) =>
    parseIdmaps(idmaps).some((range) => own.some((one) => overlap(one, range))),
  );
  const names = sharing.map(([name]) => name);
  if (people.length > 0) {
    return { ...common, state: "problem", summary: "Some of its ids are those of accounts of this computer.", evidence };
  }
  if (granted.length > 0) {
    return {
      ...common,
      state: "problem",
      summary: "Some of its ids were given to a user of this computer.",
      evidence: [...evidence, ...granted],
    };
  }
  if (names.length > 0) {
    const shown = names.slice(0, 5).join(", ");
    return {
      ...common,
      state: "warning",
      summary: `It shares its ids with ${shown}${names.length > 5 ? ` and ${names.length - 5} more` : ""}. Clones share those of their base.`,
      evidence: [...evidence, ...names.slice(0, 20).map((name) => `${name} has the same ids`)],
    };
  }
  return { ...common, state: "ok", summary: "No other container and no user has its ids.", evidence };
}

function rowsAsText(file: string, text: string): string[] {
  return parseMap(text).map(({ inside, outside, count }) => `${file}: ${inside} inside is ${outside} outside, ${count} ids`);
}

function overlap(one: IdRange, other: IdRange): boolean {
  return one.first < other.first + other.count && other.first < one.first + one.count;
}
