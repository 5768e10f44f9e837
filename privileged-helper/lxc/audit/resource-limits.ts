import type { SecurityFix } from "../../contract/security.ts";
import { lastValueOf } from "../config.ts";
import { type AuditFacts, type LimitName, limitFiles } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** What v1 tells of no limit is the largest number of pages that fits, whatever the size of a page is. */
const unlimitedBytesV1 = 2 ** 62;
const suggestedProcesses = 2000;
const smallestMemoryBytes = 256 * 1024 * 1024;
const wholeBytes = 64 * 1024 * 1024;

const texts: Record<LimitName, { title: string; limited: string; unlimited: string; why: string }> = {
  memory: {
    title: "Limit of memory",
    limited: "It can use at most",
    unlimited: "It can use all memory of this computer.",
    why: "A container that takes all memory makes the kernel kill programs of this computer and of other containers.",
  },
  processes: {
    title: "Limit of processes",
    limited: "It can have at most",
    unlimited: "It can have as many processes as this computer.",
    why: "A program that only starts itself again and again would leave nobody else on this computer a process.",
  },
  "processor-time": {
    title: "Limit of processor time",
    limited: "It can use at most",
    unlimited: "It can use all processors of this computer.",
    why: "A container that computes without an end makes everything else slow.",
  },
};

export const checkMemory = (facts: AuditFacts) => checkLimit(facts, "memory");
export const checkProcesses = (facts: AuditFacts) => checkLimit(facts, "processes");
export const checkProcessorTime = (facts: AuditFacts) => checkLimit(facts, "processor-time");

function checkLimit(facts: AuditFacts, name: LimitName): Judgement {
  const { title, limited, unlimited, why } = texts[name];
  const { controller } = limitFiles[name];
  const version = facts.controllerVersion(controller);
  if (version === undefined && !facts.running) {
    const summary = `The kernel of this computer has no control group for it (${controller}).`;
    return { state: "unknown", title, summary, why, evidence: [summary], fixes: [] };
  }
  const key = `lxc.cgroup${version === "v2" ? "2" : ""}.${limitFiles[name][version ?? "v2"]}`;
  const configuredText = lastValueOf(facts.entries, key);
  const configured = limitIn(facts, name, configuredText);
  const inForce = facts.running?.limits[name].map(({ file, text }) => ({ file, text, value: readLimit(facts, name, file, text) }));
  const evidence = inForce
    ? inForce.slice(0, 4).map(({ file, text }) => `${file}: ${text}`)
    : [configuredText === undefined ? `${key} is not set` : `${key} = ${configuredText}`];
  if (inForce?.length === 0) {
    const summary = "What the kernel limits cannot be read.";
    return { state: "unknown", title, summary, why, evidence: [`no ${limitFiles[name].v1} or ${limitFiles[name].v2}`], fixes: [] };
  }
  const smallest = inForce ? smallestOf(inForce.map(({ value }) => value)) : configured;
  const judgement: Judgement = {
    state: smallest === undefined ? "warning" : "ok",
    title,
    summary: smallest === undefined ? unlimited : `${limited} ${wordsFor(name, smallest)}.`,
    why,
    evidence,
    fixes: smallest === undefined ? [suggestion(facts, name)] : [],
  };
  const [own] = inForce ?? [];
  if (own && own.value !== configured) {
    judgement.difference =
      configured === undefined
        ? "Its configuration sets no limit: after the next start there is none."
        : `Its configuration says ${wordsFor(name, configured)}: it was changed since the start, or the limit was.`;
  }
  return judgement;
}

/** What is suggested leaves the rest of this computer enough to go on. */
function suggestion(facts: AuditFacts, name: LimitName): SecurityFix {
  const value = suggestedLimit(facts, name);
  if (name === "processes") return { check: "processes", count: value };
  return name === "memory" ? { check: "memory", bytes: value } : { check: "processor-time", cpus: value };
}

/** Bytes, processes, or processors. */
export function suggestedLimit(facts: Pick<AuditFacts, "read">, name: LimitName): number {
  if (name === "processes") return suggestedProcesses;
  if (name === "memory") {
    const kib = Number(/^MemTotal:\s+(\d+) kB/m.exec(facts.read("/proc/meminfo") ?? "")?.[1] ?? 0);
    const half = Math.floor((kib * 1024) / 2 / wholeBytes) * wholeBytes;
    return Math.max(half, smallestMemoryBytes);
  }
  const processors = (facts.read("/proc/cpuinfo")?.match(/^processor\s*:/gm) ?? []).length || 1;
  return Math.max(processors - 1, processors / 2);
}

function smallestOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function limitIn(facts: AuditFacts, name: LimitName, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const version = facts.controllerVersion(limitFiles[name].controller) ?? "v2";
  if (name === "processor-time" && version === "v1") {
    const period = Number(lastValueOf(facts.entries, "lxc.cgroup.cpu.cfs_period_us") ?? 100_000);
    return numberOf(text) === undefined ? undefined : (numberOf(text) ?? 0) / period;
  }
  return readLimit(facts, name, limitFiles[name][version], text);
}

/** @returns undefined for no limit. */
function readLimit(facts: AuditFacts, name: LimitName, file: string, text: string): number | undefined {
  if (name !== "processor-time") return numberOf(text);
  if (!file.endsWith("cpu.cfs_quota_us")) {
    const [quota = "max", period = "100000"] = text.split(/\s+/);
    const value = numberOf(quota);
    return value === undefined ? undefined : value / Number(period);
  }
  const quota = numberOf(text);
  const period = Number(facts.read(file.replace(/quota_us$/, "period_us"))?.trim() ?? 100_000);
  return quota === undefined ? undefined : quota / period;
}

/** Suffixes as the kernel takes them (lib/cmdline.c, memparse). */
function numberOf(text: string): number | undefined {
  const [, digits, suffix = ""] = /^(\d+)([KMGT]?)B?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits) * 1024 ** " KMGT".indexOf(suffix === "" ? " " : suffix.toUpperCase());
  return value >= unlimitedBytesV1 ? undefined : value;
}

function wordsFor(name: LimitName, value: number): string {
  if (name === "processes") return `${value} processes`;
  if (name === "processor-time") return value === 1 ? "one processor's time" : `${Number(value.toFixed(2))} processors' time`;
  return value >= 1024 ** 3 ? `${Number((value / 1024 ** 3).toFixed(2))} GiB` : `${Number((value / 1024 ** 2).toFixed(1))} MiB`;
}
