/** Which system packages the app needs, and how each distribution calls and installs them. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";

/**
 * @typedef {{ installs: string[][], names: Record<Need, string[]> }} Distribution
 * @typedef {"lxc" | "templates" | "idmap" | "bridge" | "polkit" | "bus" | "debootstrap" | "busybox" | "browser" | "compiler"} Need
 */

const folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin", "/usr/local/sbin"];

/** @type {Record<Need, () => boolean>} True where it is there. */
const checks = {
  lxc: () => hasProgram("lxc-start") && hasProgram("lxc-copy"),
  templates: () => existsSync("/usr/share/lxc/templates/lxc-busybox"),
  idmap: () => hasProgram("newuidmap") && hasProgram("usermod"),
  bridge: () => hasProgram("dnsmasq") && (hasProgram("iptables") || hasProgram("nft")),
  polkit: () => hasProgram("pkexec") && hasProgram("pkcheck"),
  bus: () => hasProgram("dbus-daemon") || hasProgram("dbus-broker"),
  debootstrap: () => hasProgram("debootstrap") && hasProgram("rsync"),
  busybox: () => hasProgram("busybox"),
  browser: () => ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "brave-browser"].some(hasProgram),
  compiler: () => hasProgram("g++") && hasProgram("make") && hasProgram("python3"),
};

/** @type {Record<string, Distribution>} By the tool that installs. The helper mends the computer by the same table. */
const distributions = JSON.parse(readFileSync(new URL("../../privileged-helper/contract/system-packages.json", import.meta.url), "utf8"));

/**
 * Sees to it that the system packages are there, or says which are missing.
 * @param {Need[]} needs
 */
export function ensureSystemPackages(needs) {
  const missing = needs.filter((need) => !checks[need]());
  if (missing.length === 0) return;
  const found = Object.entries(distributions).find(([tool]) => hasProgram(tool));
  const [, distribution] = found ?? [];
  const packages = [...new Set(missing.flatMap((need) => (distribution ?? distributions["apt-get"])?.names[need] ?? []))];
  console.log(`Missing system packages: ${packages.join(" ")}`);
  if (!distribution) {
    console.log(`They may have other names on ${distributionName()}. Install them with its package manager.`);
    return;
  }
  const prefix = elevation();
  const commands = distribution.installs.map((command, index) => [
    ...command,
    ...(index === distribution.installs.length - 1 ? packages : []),
  ]);
  if (!prefix) {
    console.log(`Install them with:\n${commands.map((command) => `  sudo ${command.join(" ")}`).join("\n")}`);
    return;
  }
  for (const command of commands) {
    const [file = "", ...args] = [...prefix, ...command];
    console.log(`$ ${[file, ...args].join(" ")}`);
    const { status } = spawnSync(file, args, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    if (status !== 0) {
      console.log("That did not work. The app opens all the same and says what it misses.");
      return;
    }
  }
}

/** How root is had: not at all needed, or through sudo where somebody can be asked. @returns {string[] | undefined} */
function elevation() {
  if (process.getuid?.() === 0) return [];
  if (!hasProgram("sudo")) return undefined;
  if (process.stdin.isTTY) return ["sudo"];
  return spawnSync("sudo", ["--non-interactive", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "--non-interactive"] : undefined;
}

/** @param {string} name */
function hasProgram(name) {
  return folders.some((folder) => {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function distributionName() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "this system";
  } catch {
    return "this system";
  }
}
