import { rewriteInside } from "./rewrite-inside.ts";

/** What stands for the container's name in files of an image (lxc-download(1)). */
const placeholder = "LXC_NAME";
const hostnameFile = "etc/hostname";
/** Files in which a distribution keeps the name among other things. */
const filesWithName = ["etc/hosts", "etc/sysconfig/network"];

/**
 * Writes a new container's name into the files of its root file system that tell it.
 * @param templates Further files, relative to the root, in which a placeholder stands for the name.
 * @param rootfs Files of the container alone, or with `upper` what lies below its own.
 * @param upper Where an instant clone has its own files. Nothing uses it yet, but it may be a copy of what another container wrote.
 */
export function writeNameInside(name: string, templates: readonly string[], rootfs: string, upper?: string): void {
  for (const path of new Set([hostnameFile, ...templates])) {
    rewriteInside({ rootfs, upper }, path, (text) =>
      path === hostnameFile && !text.includes(placeholder) ? `${name}\n` : text.replaceAll(placeholder, name),
    );
  }
}

/**
 * Replaces the name of the container that another one was cloned from where it stands as a whole word, so that the clone's own name
 * can be resolved in it.
 */
export function renameInside(from: string, name: string, rootfs: string, upper?: string): void {
  const word = new RegExp(`(?<![\\w.-])${from.replaceAll(".", "\\.")}(?![\\w-])`, "g");
  for (const path of filesWithName) rewriteInside({ rootfs, upper }, path, (text) => text.replace(word, name));
}
