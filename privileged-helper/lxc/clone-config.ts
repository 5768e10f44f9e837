import { release } from "node:os";
import { posix } from "node:path";
import { type ConfigEntry, editConfig, lastValueOf, parseConfig, replaceInConfig, valuesOf } from "./config.ts";

const cloneHook = "lxc.hook.clone";
const rootfsOptions = "lxc.rootfs.options";
/** Where LXC's packages keep hooks, of which common.conf has every container call one. */
const lxcHooks = /^\/usr\/(local\/)?share\/lxc\/hooks\//;
/** overlay(5), "User xattr": since 5.11. */
const firstKernelWithUserXattr = [5, 11] as const;

/**
 * What lxc-copy is to read instead of the base's own configuration. LXC's own hooks for clones (`clonehostname`, `ubuntu-cloud-prep`) edit
 * files of the root file system as root, through whatever links the base's root has made of them and their folders: they are left
 * out. Others were put there by an administrator, who answers for what they do, and who misses them where they do not run.
 * @param text Of the base.
 * @param entries The base's, with everything that it includes.
 */
export function withoutOwnCloneHooks(text: string, entries: readonly ConfigEntry[]): string {
  const kept = valuesOf(entries, cloneHook).filter((hook) => !lxcHooks.test(posix.normalize(hook.split(/\s/)[0] ?? "")));
  // An empty value takes back those before it, the included ones among them.
  return editConfig(text, { add: ["", ...kept].map((hook) => [cloneHook, hook] as const) });
}

/** Takes the lines away again that were added for lxc-copy: those after as many as the base has itself. */
export function withOwnCloneHooks(text: string, baseText: string): string {
  let own = parseConfig(baseText).filter(({ key }) => key === cloneHook).length;
  return replaceInConfig(text, ({ key }) => (key === cloneHook && own-- <= 0 ? "removed" : undefined));
}

/**
 * An overlay that is mounted in a user namespace may note nothing but `user.` attributes in its files, and needs them wherever a
 * folder of the layer below is replaced by another one: without, making or renaming it fails.
 * @param entries The clone's.
 */
export function overlayOptions(entries: readonly ConfigEntry[], kernel = release()): [key: string, value: string][] {
  if (valuesOf(entries, "lxc.idmap").length === 0 || !hasUserXattr(kernel)) return [];
  const options = lastValueOf(entries, rootfsOptions)?.split(",") ?? [];
  return options.includes("userxattr") ? [] : [[rootfsOptions, [...options, "userxattr"].join(",")]];
}

function hasUserXattr(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [firstMajor, firstMinor] = firstKernelWithUserXattr;
  return major > firstMajor || (major === firstMajor && minor >= firstMinor);
}
