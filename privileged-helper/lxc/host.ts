import { readFileSync } from "node:fs";
import { cpus, hostname, release, totalmem } from "node:os";
import type { HostInfo } from "../contract/model.ts";
import { cgroupVersion } from "./cgroup.ts";
import { explainNoDiskLimit } from "./disk-limit.ts";
import { freeBytes } from "./folder.ts";
import { readRootIdRanges } from "./idmap.ts";
import { readBridge, readBridges, reservationsAreSetUp } from "./network.ts";
import { readProcFile } from "./proc.ts";
import { run } from "./run.ts";

const lxcConf = "/etc/lxc/lxc.conf";
const compiledLxcPath = "/var/lib/lxc";
const versionTimeoutSeconds = 10;

/** The folder in which root's containers live: `lxc.lxcpath` of lxc.system.conf(5), or what LXC is compiled with. */
export function defaultLxcPath(file = lxcConf): string {
  const path = /^\s*lxc\.lxcpath\s*=\s*(\/\S+?)\/*\s*$/m.exec(readProcFile(file) ?? "")?.[1];
  return path ?? compiledLxcPath;
}

/** What the Host page shows. The version of LXC costs a process, once. */
export async function hostInfo(lxcPath: string): Promise<HostInfo> {
  const [idRange] = readRootIdRanges();
  const bridge = readBridge();
  const version = await lxcVersion();
  const noDiskLimit = await explainNoDiskLimit(lxcPath);
  return {
    hostname: hostname(),
    kernel: release(),
    ...(version && { lxcVersion: version }),
    lxcPath,
    cgroupVersion: cgroupVersion(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    ...(bridge && {
      bridge: {
        name: bridge.name,
        address: bridge.address,
        prefix: bridge.prefix,
        up: isUp(bridge.name),
        reservesAddresses: reservationsAreSetUp(),
      },
    }),
    bridges: readBridges(),
    ...(idRange && { idRange }),
    freeBytes: freeBytes(lxcPath),
    ...(noDiskLimit !== undefined && { noDiskLimit }),
  };
}

let asked: Promise<string> | undefined;

/** Version of LXC's tools, asked once; undefined where they are not installed, or do not run. */
export async function lxcVersion(): Promise<string | undefined> {
  asked ??= run("lxc-start", ["--version"], { timeoutSeconds: versionTimeoutSeconds }).then(({ output }) => output.trim());
  try {
    return await asked;
  } catch {
    // A tool that is installed later is asked again.
    asked = undefined;
    return undefined;
  }
}

/** IFF_UP, the first bit of a link's flags (netdevice(7)); a bridge without a container has no carrier and is up all the same. */
export function isUp(link: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${link}/flags`, "utf8")) & 1) === 1;
  } catch {
    return false;
  }
}
