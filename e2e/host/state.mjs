import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { capture } from "./command.mjs";
import { compareTrees, readTrees, restoreTrees } from "./files.mjs";
import { findLeftProcesses, readProcesses } from "./processes.mjs";
import { bridgeServerPid, restartBridge } from "./services.mjs";

/**
 * What LXC Desktop keeps or changes on a host when it is used, and what therefore is put back after the tests; somebody's history of
 * tasks in /var/lib/lxc-desktop/tasks is part of it.
 */
const changedByTheApp = [
  ...["/etc/subuid", "/etc/subgid", "/etc/default/lxc-net", "/etc/lxc/lxc-desktop-dnsmasq.conf"],
  ...["/var/lib/lxc-desktop", "/run/lxc-desktop"],
];
/** A log that was there may grow; one that was not is taken away. */
const logs = ["/var/log/lxc-desktop.log", "/var/log/lxc-desktop.log.1"];
/** Those that make LXC's bridge another one. */
const bridgeSettings = ["/etc/default/lxc-net", "/etc/lxc/lxc-desktop-dnsmasq.conf"];
/** What belongs to one container or one work of the app, and must be gone with it. */
const ofOneContainer = ["/var/lib/lxc-desktop/dhcp-hosts", "/var/lib/lxc-desktop/journal"];
/** Files named `HASH.LANE.MODE.OPERATION.PID.START.COUNT.NAME`; anybody may remove one whose process has ended. */
const locks = "/run/lxc-desktop/locks";
/** What no test may change in the end. */
const untouched = ["/etc/polkit-1", "/etc/lxc", "/usr/lib/lxc-desktop", "/usr/share/polkit-1/actions"];

const attempts = 50;
const pauseMilliseconds = 200;

/** @typedef {ReturnType<typeof recordState>} State */

/** Records all of the host that tests may leave something in. */
export function recordState() {
  return {
    processes: readProcesses(),
    lists: readLists(),
    untouched: readTrees(untouched),
    changedByTheApp: readTrees(changedByTheApp),
    logs: logs.filter((path) => existsSync(path)),
  };
}

/**
 * Puts back what using the app changes on a host, and says what the tests left behind besides.
 * @param {State} before
 * @param {string} run the mark of this run
 * @returns {Promise<string[]>} one sentence each
 */
export async function findLeftBehind(before, run) {
  let left = compare(before, run);
  // What was told to end may need a moment to be gone.
  for (let attempt = 0; left.length > 0 && attempt < attempts; attempt++) {
    await wait(pauseMilliseconds);
    left = compare(before, run);
  }
  if (left.length > 0) {
    // Somebody's container may live on what would be put back now: its address, its id range, its lock.
    console.log("What LXC Desktop set up on this host stays, because what is left behind may need it.");
    return left;
  }
  const settings = readTrees(bridgeSettings);
  restoreTrees(changedByTheApp, before.changedByTheApp);
  if (compareTrees(settings, readTrees(bridgeSettings)).length > 0) {
    const { exitCode, output } = restartBridge();
    if (exitCode !== 0) left.push(`LXC's bridge does not start with its former settings: ${output.trim()}`);
  }
  for (const path of logs) if (!before.logs.includes(path)) rmSync(path, { force: true });
  left.push(...compareTrees(before.changedByTheApp, readTrees(changedByTheApp)));
  return left;
}

/**
 * @param {State} before
 * @param {string} run
 * @returns {string[]}
 */
function compare(before, run) {
  const server = bridgeServerPid();
  const own = new Set(server === undefined ? [] : [server]);
  const left = findLeftProcesses(before.processes, readProcesses(), { run, own }).map(({ pid, name, command }) =>
    `process ${pid}: ${command || name}`.slice(0, 300),
  );
  const lists = readLists();
  for (const [kind, names] of Object.entries(lists)) {
    const old = before.lists[/** @type {keyof typeof lists} */ (kind)];
    for (const name of without(names, old)) left.push(`${kind}: ${name} is new`);
    for (const name of without(old, names)) left.push(`${kind}: ${name} is gone`);
  }
  const isOurs = (/** @type {string} */ path) => changedByTheApp.some((own) => path === own || path.startsWith(`${own}/`));
  const others = (/** @type {import("./files.mjs").Tree} */ tree) => new Map([...tree].filter(([path]) => !isOurs(path)));
  left.push(...compareTrees(others(before.untouched), others(readTrees(untouched))));
  for (const [path, { kind }] of readTrees(ofOneContainer)) {
    if (kind !== "folder" && !before.changedByTheApp.has(path)) left.push(`${path} is new`);
  }
  for (const name of listFolder(locks)) {
    const path = join(locks, name);
    if (!before.changedByTheApp.has(path) && existsSync(`/proc/${name.split(".")[4]}`)) left.push(`${path} is new and still held`);
  }
  return left;
}

function readLists() {
  return {
    container: listFolder("/var/lib/lxc"),
    image: listFolder("/var/lib/lxc-desktop/images"),
    mount: readLines("/proc/self/mountinfo").map(readMount),
    user: readLines("/etc/passwd").map(firstField),
    group: readLines("/etc/group").map(firstField),
    "network link": listFolder("/sys/class/net"),
    "temporary folder": ["/tmp", "/var/tmp"].flatMap((folder) =>
      listFolder(folder)
        .filter((name) => name.startsWith("lxc-desktop-"))
        .map((name) => join(folder, name)),
    ),
    "iptables rule": readRules(["iptables-save"]),
    "nftables rule": readRules(["nft", "--stateless", "list", "ruleset"]),
  };
}

/** @param {string} line of proc_pid_mountinfo(5): the mount point is the fifth field, the type follows the lone hyphen */
function readMount(line) {
  const [front = "", back = ""] = line.split(" - ");
  return `${front.split(" ")[4]} (${back.split(" ")[0]})`;
}

/** @param {readonly string[]} argv */
function readRules(argv) {
  const { exitCode, output } = capture(argv);
  if (exitCode !== 0) return [];
  return output
    .split("\n")
    .map((line) => line.replace(/\[\d+:\d+\]/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** @param {string} folder */
function listFolder(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** @param {string} file */
function readLines(file) {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** @param {string} line */
function firstField(line) {
  return line.split(":")[0] ?? "";
}

/**
 * The names of the first list that the second has not, or has less often.
 * @param {readonly string[]} names
 * @param {readonly string[]} others
 */
function without(names, others) {
  const rest = [...others];
  return names.filter((name) => {
    const index = rest.indexOf(name);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
