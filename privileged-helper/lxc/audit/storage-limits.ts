import { statfsSync } from "node:fs";
import { join } from "node:path";
import type { SecurityFix } from "../../contract/security.ts";
import { valuesOf } from "../config.ts";
import { type DiskLimit, readDiskLimit } from "../disk-limit.ts";
import type { AuditFacts } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** What a container may do to the disk that its files are on: how fast it reads and writes, and how much it stores. */

/** Leaves a disk of today's enough for everybody else. */
const suggestedBytesPerSecond = 64 * 1024 * 1024;
const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;
/** A system and what it gathers over time; on a small disk less, so that others have room, too. */
const suggestedDiskBytes = 8 * gibibyte;

/** Lines that limit it otherwise. */
export const inputOutputKeys = /^lxc\.cgroup2?\.(io\.max|blkio\.throttle\.(read|write)_bps_device)$/;
/** The files of both versions (cgroup-v2.rst, io.max; cgroup-v1/blkio-controller.rst). */
export const inputOutputFiles = { v1: ["blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device"], v2: ["io.max"] } as const;

/** Which version of control groups limits disks on this computer. */
export function inputOutputVersion({ controllerVersion }: Pick<AuditFacts, "controllerVersion">): "v1" | "v2" | undefined {
  return controllerVersion("blkio") === "v1" ? "v1" : controllerVersion("io");
}

/** Reading and writing at most so fast, each. @param device As the kernel names the disk, `MAJOR:MINOR`. */
export function inputOutputLines(version: "v1" | "v2", device: string, bytesPerSecond: number): (readonly [key: string, value: string])[] {
  if (version === "v2") return [["lxc.cgroup2.io.max", `${device} rbps=${bytesPerSecond} wbps=${bytesPerSecond}`]];
  return inputOutputFiles.v1.map((file) => [`lxc.cgroup.${file}`, `${device} ${bytesPerSecond}`] as const);
}

/** Whether it can keep the disk busy for everybody. */
export function checkInputOutput(facts: AuditFacts): Judgement {
  const common = {
    title: "Limit of reading and writing",
    why: "A container that reads and writes without an end makes this computer's disk slow for everything else.",
    fixes: [],
  };
  const { rootDisk } = facts;
  const version = inputOutputVersion(facts);
  if ("reason" in rootDisk || version === undefined) {
    const reason = "reason" in rootDisk ? rootDisk.reason : "the kernel of this computer has no control group for it (blkio or io).";
    return { ...common, state: "warning", summary: `It cannot be limited: ${reason}`, evidence: [`not available: ${reason}`] };
  }
  const { device } = rootDisk;
  const configured = limitsIn(
    device,
    inputOutputFiles[version].flatMap((file) =>
      valuesOf(facts.entries, `lxc.cgroup${version === "v2" ? "2" : ""}.${file}`).map((text) => ({ file, text })),
    ),
  );
  const inForce = facts.running && limitsIn(device, facts.running.inputOutput);
  const { read, write } = inForce ?? configured;
  const isLimited = read !== undefined && write !== undefined;
  const judgement: Judgement = {
    ...common,
    state: isLimited ? "ok" : "warning",
    summary: isLimited
      ? `It reads at most ${speed(read)} and writes at most ${speed(write)}.${version === "v1" ? ` ${onlyDirect}` : ""}`
      : read === undefined && write === undefined
        ? "It can use all of what the disk can do."
        : `It can ${read === undefined ? "read" : "write"} as fast as the disk can.`,
    evidence: [
      `its files are on the disk ${device}`,
      ...(facts.running
        ? facts.running.inputOutput.map(({ file, text }) => `${file}: ${text.replaceAll("\n", "; ") || "no limit"}`)
        : inputOutputFiles[version].map((file) => {
            const key = `lxc.cgroup${version === "v2" ? "2" : ""}.${file}`;
            return `${key} ${valuesOf(facts.entries, key).join("; ") || "is not set"}`;
          })),
    ],
    fixes: isLimited ? [] : [{ check: "input-output", bytesPerSecond: suggestedBytesPerSecond }],
  };
  if (inForce && (inForce.read !== configured.read || inForce.write !== configured.write))
    judgement.difference = "Its configuration says otherwise: it was changed since the start, or the limit was.";
  return judgement;
}
/** cgroup-v1/blkio-controller.rst: pages are written later, by the kernel, which is in no container's group. */
const onlyDirect = "This kernel counts what it writes through memory for nobody.";

type Limits = { read?: number; write?: number };

/** The smallest limits of a disk in texts of these files, in bytes a second. */
export function limitsIn(device: string, files: readonly { file: string; text: string }[]): Limits {
  const limits: Limits = {};
  const take = (kind: keyof Limits, text: string | undefined) => {
    const value = /^\d+$/.test(text ?? "") ? Number(text) : 0;
    if (value > 0) limits[kind] = Math.min(limits[kind] ?? value, value);
  };
  for (const { file, text } of files) {
    for (const line of text.split("\n")) {
      const [of, ...words] = line.trim().split(/\s+/);
      if (of !== device) continue;
      if (file.endsWith("io.max")) {
        const value = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
        take("read", value("rbps"));
        take("write", value("wbps"));
      } else take(file.includes("read_bps") ? "read" : "write", words[0]);
    }
  }
  return limits;
}

/** Whether it can fill the disk. */
export async function checkDisk({ lxcPath, name, storage }: AuditFacts): Promise<Judgement> {
  const common = {
    title: "Limit of disk space",
    why: "A container that fills the disk leaves no room for the others, and for this computer itself.",
    fixes: [],
  };
  if (storage === "lvm" || storage === "loop") {
    const summary = "Its files lie on a device of their own, and cannot outgrow it.";
    return { ...common, state: "ok", summary, evidence: [`storage: ${storage}`] };
  }
  const folder = join(lxcPath, name);
  const limit = await readDiskLimit(lxcPath, folder);
  if ("reason" in limit)
    return { ...common, state: "warning", summary: `It can fill the disk. ${limit.reason}`, evidence: [`not limited: ${limit.reason}`] };
  const { bytes, storedBytes } = limit;
  const evidence = [
    `btrfs qgroup of ${limit.folder}: ${bytes === undefined ? "no limit" : `${bytes} bytes at most`}`,
    `it stores ${storedBytes} bytes`,
  ];
  if (bytes !== undefined) {
    const summary = `It can store at most ${size(bytes)}, and stores ${size(storedBytes)} now.`;
    return { ...common, state: "ok", summary, evidence, diskLimit: { bytes } };
  }
  const fixes: SecurityFix[] = [{ check: "disk", bytes: suggestDiskBytes(limit) }];
  const summary = `It can fill the disk: its folder has no limit, and stores ${size(storedBytes)} now.`;
  return { ...common, state: "warning", summary, evidence, fixes, diskLimit: {} };
}

/** Twice what it stores, and no less than a small system grows to, but half of the disk at most where that holds what it stores. */
function suggestDiskBytes({ folder, storedBytes }: DiskLimit): number {
  const { blocks, bsize } = statfsSync(folder);
  const wanted = Math.max(suggestedDiskBytes, Math.ceil((2 * storedBytes) / gibibyte) * gibibyte);
  const half = Math.floor((blocks * bsize) / 2 / mebibyte) * mebibyte;
  return Math.max(Math.min(wanted, half), Math.ceil(storedBytes / mebibyte) * mebibyte, 16 * mebibyte);
}

function speed(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)} a second`;
}

export function size(bytes: number): string {
  return bytes >= gibibyte ? `${Number((bytes / gibibyte).toFixed(2))} GiB` : `${Number((bytes / mebibyte).toFixed(1))} MiB`;
}
