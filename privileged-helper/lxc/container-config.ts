import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ProblemError } from "../contract/problems.ts";
import { editConfig, lastValueOf, readEffectiveConfig } from "./config.ts";
import type { NetworkIdentity } from "./container-network.ts";
import { type ContainerOptions, containerOptionChanges } from "./container-options.ts";
import type { OperationContext } from "./context.ts";

/** What the configurations of all new containers have in common. */
const defaultConfig = "/etc/lxc/default.conf";
/** Where LXC's packages put what all containers of a distribution have in common. */
export const shareConfig = "/usr/share/lxc/config";
/**
 * What the kernel grants nobody in a user namespace, whatever is in this set. LXC's userns.conf gives all of it back, and systemd takes it
 * for a promise: it loads modules and mounts what only this computer's root may, fails, and calls itself degraded.
 */
export const uselessCapabilities = ["sys_module", "sys_rawio", "sys_time"] as const;
const maxConsoleLogBytes = 1024 * 1024;

/**
 * The host's defaults, with a network identity and logs of the container's own, and what was asked for it.
 * @returns The text of a configuration.
 */
export async function startConfig(lxcPath: string, identity: NetworkIdentity, options: ContainerOptions): Promise<string> {
  const { remove, add } = await containerOptionChanges(identity, options, readDefaultConfig().entries);
  const text = existsSync(defaultConfig) ? readFileSync(defaultConfig, "utf8") : "";
  return editConfig(text, {
    // Whether it has ids of its own was asked for this container.
    remove: (key) => remove(key) || key === "lxc.idmap",
    add: [...add, ...consoleLogEntries(join(lxcPath, options.name))],
  });
}

/** What this computer says about all new containers. */
export function readDefaultConfig() {
  return existsSync(defaultConfig) ? readEffectiveConfig(defaultConfig) : { entries: [], files: [] };
}

/** A profile that LXC generates has to be loaded by apparmor_parser; without it the container would be made and never start. */
export function checkAppArmor() {
  const isOn =
    existsSync("/sys/module/apparmor/parameters/enabled") &&
    readFileSync("/sys/module/apparmor/parameters/enabled", "utf8").startsWith("Y");
  if (!isOn || lastValueOf(readDefaultConfig().entries, "lxc.apparmor.profile") !== "generated") return;
  if (!existsSync("/sbin/apparmor_parser") && !existsSync("/usr/sbin/apparmor_parser")) {
    throw new ProblemError({ code: "tool-missing", tool: "apparmor_parser", neededFor: "confining containers with AppArmor" });
  }
}

/** The console's output is kept in a file of bounded size, and one before it (lxc.container.conf(5)). */
export function consoleLogEntries(folder: string): [key: string, value: string][] {
  return [
    ["lxc.console.logfile", join(folder, "console.log")],
    ["lxc.console.size", String(maxConsoleLogBytes)],
    ["lxc.console.rotate", "1"],
  ];
}

/** What goes with ids of its own: the distribution's variant where it has one. */
export function usernsInclude(distribution: string | undefined): string {
  return [`${distribution}.userns.conf`, "userns.conf"].find((file) => existsSync(join(shareConfig, file))) ?? "userns.conf";
}

/** The root of an unprivileged container has to get through to its files, and sees nothing else on the way. */
export function letRootThrough({ lxcPath, task }: Pick<OperationContext, "lxcPath" | "task">, folder: string): void {
  chmodSync(folder, 0o711);
  const { mode } = statSync(lxcPath);
  if ((mode & 0o001) === 0) {
    task.notice(`${lxcPath} can now be passed through by everybody, as unprivileged containers need.`);
    chmodSync(lxcPath, (mode & 0o777) | 0o001);
  }
}
