import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/**
 * This system once more, to install packages in: its files with every change kept in memory, its own processes and its own network.
 * Nothing that happens there reaches the host, and all of it is gone with the last process.
 */
export type ScratchRoot = {
  run(argv: readonly string[], options?: RunOptions): { exitCode: number | null; stdout: string; stderr: string };
  start(argv: readonly string[], options?: RunOptions): ChildProcess;
  /** Where a path of the scratch root is for us. */
  path(inside: string): string;
  destroy(): Promise<void>;
};
export type RunOptions = { user?: { uid: number; gid: number }; environment?: Record<string, string>; input?: string };

const startWithinMilliseconds = 20_000;
const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/root", DEBIAN_FRONTEND: "noninteractive" };

/** What the first process of the scratch root does before it waits. $1 is an empty folder. */
const setUp = `
set -e
mount -t tmpfs -o mode=0755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
cd root
mount -t proc proc proc
# One of its own shows its own network.
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up
exec chroot . /bin/sh -c 'echo ready; exec sleep infinity'
`;

/** @throws Error where this kernel or container does not allow it. */
export async function createScratchRoot(): Promise<ScratchRoot> {
  const folder = mkdtempSync(join(tmpdir(), "scratch-root-"));
  const namespaces = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation", "private"];
  const holder = spawn("unshare", [...namespaces, "/bin/sh", "-c", setUp, "sh", folder], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => holder.once("close", () => resolve()));
  const destroy = async () => {
    holder.kill("SIGKILL");
    await ended;
    rmdirSync(folder);
  };
  try {
    await readyLine(holder);
  } catch (error) {
    await destroy();
    throw error;
  }
  const first = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim();
  const command = (argv: readonly string[], options: RunOptions): [string, string[]] => {
    const { uid, gid } = options.user ?? { uid: 0, gid: 0 };
    const asUser = uid === 0 ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--inh-caps=-all"];
    const variables = Object.entries({ ...environment, ...options.environment }).map(([name, value]) => `${name}=${value}`);
    const enter = ["--target", first, "--mount", "--pid", "--net", "--root", "--wd"];
    return ["nsenter", [...enter, "--", "env", "-i", ...variables, ...asUser, ...argv]];
  };
  const started: ChildProcess[] = [];
  return {
    run(argv, options = {}) {
      const { status, stdout, stderr, error } = spawnSync(...command(argv, options), { encoding: "utf8", input: options.input ?? "" });
      if (error) throw error;
      return { exitCode: status, stdout, stderr };
    },
    start(argv, options = {}) {
      const child = spawn(...command(argv, options), { stdio: ["pipe", "pipe", "pipe"] });
      started.push(child);
      return child;
    },
    path: (inside) => `/proc/${first}/root${inside}`,
    async destroy() {
      await destroy();
      // nsenter(1) stops together with the program that it waits for, and nobody lets it go on.
      for (const child of started) child.kill("SIGKILL");
    },
  };
}

async function readyLine(holder: ChildProcess): Promise<void> {
  let output = "";
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [holder.stdout, holder.stderr]) {
      stream?.on("data", (text) => {
        output += text;
        if (output.includes("ready\n")) resolve();
      });
    }
    holder.once("error", reject);
    holder.once("exit", () => reject(new Error(`No scratch root can be made here: ${output}`)));
  });
  const late = wait(startWithinMilliseconds, undefined, { ref: false }).then(() => {
    throw new Error(`The scratch root is not ready: ${output}`);
  });
  await Promise.race([ready, late]);
}
