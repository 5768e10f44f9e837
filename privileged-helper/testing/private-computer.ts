import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * This computer once more, to be broken and mended: the same files, but what is written to them is gone afterwards; processes of its own;
 * and, unless a test needs the world, a network of its own. Nothing in it reaches the real one.
 */
export type PrivateComputer = {
  /** A command that runs the one that is appended to it in there. */
  around: string[];
  /** Runs a shell command in there, once the helper runs. @returns What it printed. */
  run(helperPid: number, command: string): string;
};

/**
 * @param shared Folders that it sees as they are, such as that of the helper's bundle.
 * @param prepare A shell command that runs in there before anything else.
 */
export function privateComputer(shared: readonly string[], options: { ownNetwork: boolean; prepare?: string }): PrivateComputer {
  const { ownNetwork, prepare = "true" } = options;
  const script = `
    set -e
    mount --make-rprivate /
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
    mount --rbind /dev /mnt/root/dev
    mount -t proc proc /mnt/root/proc
    mount -t sysfs sysfs /mnt/root/sys
    mount --rbind /sys/fs/cgroup /mnt/root/sys/fs/cgroup
    mount -t tmpfs tmpfs /mnt/root/run
    mount -t tmpfs tmpfs /mnt/root/tmp
    for folder in ${shared.join(" ")}; do mkdir -p /mnt/root$folder; mount --bind $folder /mnt/root$folder; done
    ${ownNetwork ? "ip link set lo up" : "true"}
    chroot /mnt/root /bin/sh -c '${prepare.replaceAll("'", "'\\''")}' >/dev/null
    exec chroot /mnt/root "$@"`;
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", ...(ownNetwork ? ["--net"] : [])];
  return {
    around: ["/usr/bin/unshare", ...namespaces, "/bin/sh", "-c", script, "sh"],
    run(helperPid, command) {
      // unshare waits outside for the first process of the new namespace, its only child.
      const [inside = ""] = readFileSync(`/proc/${helperPid}/task/${helperPid}/children`, "utf8").split(" ");
      const enter = ["--target", inside, "--mount", "--pid", ...(ownNetwork ? ["--net"] : []), `--root=/proc/${inside}/root`, "--wdns=/"];
      return execFileSync("/usr/bin/nsenter", [...enter, "/bin/sh", "-c", command], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    },
  };
}
