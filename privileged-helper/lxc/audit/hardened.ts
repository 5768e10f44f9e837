import { join } from "node:path";
import { capabilityNames } from "../../contract/capabilities.ts";
import type { NewContainer } from "../../contract/methods.ts";
import { controllerVersion } from "../cgroup.ts";
import { editConfig, lastValueOf, parseConfig } from "../config.ts";
import { limitLines } from "../container-options.ts";
import { readProcFile } from "../proc.ts";
import { profilesFolderOf } from "../state-folder.ts";
import { capabilityLines } from "./capabilities.ts";
import { suggestedLimit } from "./resource-limits.ts";
import { strictSeccompFile, strictSeccompProfile } from "./system-calls.ts";

type Wanted = {
  lxcPath: string;
  /** It runs one program as its init, and no system. */
  isApplication: boolean;
  /** Limits that were chosen stay as they are. */
  resources?: NewContainer["resources"];
};

/** The file that a hardened configuration names. */
export function hardenedProfile(lxcPath: string): { path: string; text: string } {
  return { path: join(profilesFolderOf(lxcPath), strictSeccompFile), text: strictSeccompProfile };
}

/**
 * The configuration of a new unprivileged container with all that suits what it is made from: few capabilities, the stricter seccomp
 * profile, limits of memory, processes and processor time, files that give nobody more rights; and for one application no new rights.
 * What this computer counts nothing of is left out.
 * @param text Without that.
 */
export function hardenedConfig({ lxcPath, isApplication, resources = {} }: Wanted, text: string): string {
  const options = (lastValueOf(parseConfig(text), "lxc.rootfs.options") ?? "")
    .split(",")
    .filter((one) => one !== "" && one !== "suid" && one !== "dev");
  const last = Number(readProcFile("/proc/sys/kernel/cap_last_cap") ?? capabilityNames.length - 1);
  const read = (path: string) => readProcFile(path);
  const limits = limitLines({
    ...(resources.memoryBytes === undefined && controllerVersion("memory") && { memoryBytes: suggestedLimit({ read }, "memory") }),
    ...(resources.processes === undefined && controllerVersion("pids") && { processes: suggestedLimit({ read }, "processes") }),
    ...(resources.cpus === undefined && controllerVersion("cpu") && { cpus: suggestedLimit({ read }, "processor-time") }),
  });
  const replaced = new Set(["lxc.cap.drop", "lxc.cap.keep", "lxc.seccomp.profile", "lxc.rootfs.options", "lxc.no_new_privs"]);
  return editConfig(text, {
    remove: (key) => replaced.has(key),
    add: [
      ...capabilityLines({ check: "capabilities", preset: isApplication ? "service" : "system" }, last),
      ["lxc.seccomp.profile", hardenedProfile(lxcPath).path],
      ...(isApplication ? [["lxc.no_new_privs", "1"] as const] : []),
      ["lxc.rootfs.options", [...new Set([...options, "nosuid", "nodev"])].join(",")],
      ...limits,
    ],
  });
}
