import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { capture, runLive } from "../host/command.mjs";
import { containerRelease, files, masked, packages, people } from "./recipe.mjs";

/**
 * @typedef {object} Image a machine's disk with what is needed to start it
 * @property {string} disk an ext4 file system, never written to
 * @property {string} kernel
 * @property {string} initrd
 * @property {string} key the private half of the key that root and the users of the machine let in
 */

const diskGigabytes = 8;
const here = dirname(fileURLToPath(import.meta.url));

/**
 * The test machine's image, from the cache where its recipe has not changed.
 * @param {import("./recipe.mjs").Suite} suite
 * @returns {Promise<Image>}
 */
export async function getImage(suite) {
  const folder = folderOf(suite);
  if (existsSync(folder)) console.log(`The image of ${suite} is in the cache: ${folder}`);
  else await makeImage(suite, folder);
  return { disk: join(folder, "disk"), kernel: join(folder, "vmlinuz"), initrd: join(folder, "initrd.img"), key: join(folder, "key") };
}

/**
 * Why there is no image, and none can be made now; undefined where there is, or can be.
 * @param {import("./recipe.mjs").Suite} suite
 * @returns {Promise<string | undefined>}
 */
export async function reasonWithoutImage(suite) {
  if (existsSync(folderOf(suite))) return undefined;
  const { mirror } = readMirrors();
  if (mirror === undefined) return "no mirror of Debian is named in this computer's apt sources";
  const answer = await fetch(`${mirror}/dists/${suite}/Release`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  return answer?.ok ? undefined : `Debian's mirror ${mirror} cannot be reached, and the image of ${suite} is not in the cache`;
}

/** @param {import("./recipe.mjs").Suite} suite */
function folderOf(suite) {
  const cache = join(process.env.XDG_CACHE_HOME ?? "/var/cache", "lxc-desktop-test-vm");
  const recipe = ["recipe.mjs", "image.mjs"].map((name) => readFileSync(join(here, name), "utf8")).join("");
  const hash = createHash("sha256").update(recipe).digest("hex").slice(0, 16);
  return join(cache, `${suite}-${hash}`);
}

/**
 * The mirrors that this computer itself installs from, found as the app finds them.
 * @returns {Record<string, string>}
 */
function readMirrors() {
  const script =
    'import { readDebianMirrors } from "./privileged-helper/lxc/debian-mirrors.ts"; console.log(JSON.stringify(readDebianMirrors()))';
  const { exitCode, output } = capture([process.execPath, "--import", "tsx", "--input-type=module", "--eval", script]);
  if (exitCode !== 0) throw new Error(`The mirrors of this computer could not be read: ${output}`);
  return JSON.parse(output);
}

/**
 * @param {import("./recipe.mjs").Suite} suite
 * @param {string} folder
 */
async function makeImage(suite, folder) {
  const cache = dirname(folder);
  const mirrors = readMirrors();
  const mirror = mirrors.mirror;
  if (mirror === undefined) throw new Error("No mirror of Debian is named in this computer's apt sources.");
  const started = Date.now();
  console.log(`Making an image of ${suite} from ${mirror}: this takes some minutes, once`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  // One of an older recipe is of no use any more, nor what an interrupted run left.
  for (const name of readdirSync(cache)) if (name.startsWith(`${suite}-`)) rmSync(join(cache, name), { recursive: true, force: true });
  const work = mkdtempSync(join(cache, `${suite}-unfinished-`));
  const root = join(work, "root");
  try {
    await install(suite, root, mirror, mirrors);
    await configure(root, join(work, "key"));
    await makeDisk(root, join(work, "disk"));
    for (const [name, prefix] of /** @type {const} */ ([
      ["vmlinuz", "vmlinuz-"],
      ["initrd.img", "initrd.img-"],
    ])) {
      const found = readdirSync(join(root, "boot")).find((one) => one.startsWith(prefix));
      if (found === undefined) throw new Error(`The image has no ${prefix}* in /boot.`);
      cpSync(join(root, "boot", found), join(work, name));
    }
    rmSync(root, { recursive: true });
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const megabytes = Math.round((statSync(join(folder, "disk")).blocks * 512) / 1e6);
  console.log(`The image was made in ${Math.round((Date.now() - started) / 1000)} s and takes ${megabytes} MB: ${folder}`);
}

/**
 * @param {import("./recipe.mjs").Suite} suite
 * @param {string} root
 * @param {string} mirror
 * @param {Record<string, string>} mirrors by the names of options of LXC's template
 */
async function install(suite, root, mirror, mirrors) {
  await run(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, root, mirror], root);
  writeFileSync(join(root, "etc/apt/sources.list"), `deb ${mirror} ${suite} main\n`);
  // As this computer fetches its own packages: through the same proxy, for instance.
  const acquire = capture(["apt-config", "dump"])
    .output.split("\n")
    .filter((line) => /^Acquire::(https?::|Check-)/.test(line));
  const settings = join(root, "etc/apt/apt.conf.d/99-of-the-host");
  writeFileSync(settings, `${acquire.join("\n")}\n`);
  // No service starts in a folder.
  writeFileSync(join(root, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  await inside(root, ["apt-get", "update", "-q"]);
  // Nothing is lost with an image that is not finished, so nobody waits for the disk.
  const dpkg = ["-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-unsafe-io"];
  await inside(root, ["apt-get", "install", "-q", "-y", "--no-install-recommends", ...dpkg, ...packages]);
  // The cache of LXC's Debian template, filled by the template itself.
  const options = Object.entries({ ...mirrors, release: containerRelease }).map(([name, value]) => `--${name}=${value}`);
  await inside(root, ["lxc-create", "-n", "filler", "-t", "debian", "--", ...options]);
  await inside(root, ["lxc-destroy", "-n", "filler"]);
  await inside(root, ["apt-get", "clean"]);
  for (const path of [settings, join(root, "usr/sbin/policy-rc.d"), join(root, "var/lib/apt/lists")])
    rmSync(path, { recursive: true, force: true });
}

/**
 * @param {string} root
 * @param {string} key the file to write the private half to
 */
async function configure(root, key) {
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lxc-desktop-test", "-f", key], root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    rmSync(join(root, path), { force: true });
    writeFileSync(join(root, path), content);
  }
  for (const unit of masked) await inside(root, ["ln", "-sf", "/dev/null", `/etc/systemd/system/${unit}`]);
  await inside(root, ["systemctl", "enable", "systemd-networkd.service"]);
  for (const { name, password, groups } of Object.values(people)) {
    await inside(root, ["useradd", "--create-home", "--shell", "/bin/bash", "--groups", groups.join(","), name]);
    await inside(root, ["sh", "-c", `echo '${name}:${password}' | chpasswd`]);
    await letIn(root, name, `/home/${name}/.ssh`, key);
  }
  await letIn(root, "root", "/root/.ssh", key);
}

/**
 * @param {string} root
 * @param {string} user
 * @param {string} folder
 * @param {string} key
 */
async function letIn(root, user, folder, key) {
  mkdirSync(join(root, folder), { mode: 0o700, recursive: true });
  cpSync(`${key}.pub`, join(root, folder, "authorized_keys"));
  await inside(root, ["chown", "-R", `${user}:`, folder]);
}

/**
 * @param {string} root
 * @param {string} disk
 */
async function makeDisk(root, disk) {
  await run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-d", root, disk, `${diskGigabytes}G`], root);
}

/**
 * Runs a command with the system in the folder as its root.
 * @param {string} root
 * @param {readonly string[]} argv
 */
async function inside(root, argv) {
  const mount =
    'mount -t proc proc "$0/proc" && mount -t sysfs -o ro sysfs "$0/sys" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"';
  await run(["sh", "-c", mount, root, ...argv], root);
}

/**
 * In namespaces of its own: what it mounts and starts is gone with it, however it ends.
 * @param {readonly string[]} argv
 * @param {string} root
 */
async function run(argv, root) {
  const environment = {
    DEBIAN_FRONTEND: "noninteractive",
    LC_ALL: "C.UTF-8",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  const apart = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"];
  const exitCode = await runLive([...apart, ...argv], environment);
  if (exitCode !== 0) throw new Error(`${argv.join(" ").replaceAll(root, "ROOT")} ended with exit code ${exitCode}.`);
}
