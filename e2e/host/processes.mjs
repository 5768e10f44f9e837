import { readdirSync, readFileSync } from "node:fs";
import { runMark } from "./command.mjs";

/**
 * @typedef {object} Process
 * @property {string} key its id and its start, which no other process ever has both of
 * @property {number} pid
 * @property {number} parent
 * @property {string} state a letter as in proc(5)
 * @property {string} name
 * @property {string} command
 * @property {string} environment
 */

/** Processes that the app, LXC or a browser started count as the tests' own although they have lost their parent and our mark. */
const ofTheApp = /lxc|dnsmasq|chrom|Xvfb|pkexec|pkttyagent|dist\/(helper|web|desktop)\/|electron/i;
const startedByTheApp = /(^|\0)(PKEXEC_UID=|container=lxc|LXC_)/;
/** dbus-daemon(1) sets this for the services it starts on demand; they belong to the system. */
const startedByTheBus = /(^|\0)DBUS_STARTER_/;

/** @returns {Map<string, Process>} all processes of the system, the kernel's and ended ones excepted */
export function readProcesses() {
  /** @type {Map<string, Process>} */
  const processes = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readText(`/proc/${entry}/stat`);
    // proc(5): the name stands in parentheses and may hold any character, so the fields are counted from the last one.
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    const [state = "", parent = "0"] = fields;
    if (end < 0 || state === "Z" || parent === "2" || entry === "2") continue;
    const key = `${entry}@${fields[19]}`;
    processes.set(key, {
      key,
      pid: Number(entry),
      parent: Number(parent),
      state,
      name: stat.slice(stat.indexOf("(") + 1, end),
      command: readText(`/proc/${entry}/cmdline`).replaceAll("\0", " ").trim(),
      environment: readText(`/proc/${entry}/environ`),
    });
  }
  return processes;
}

/**
 * The processes that a run of the tests left behind. Other work on the same machine does not count.
 * @param {ReadonlyMap<string, Process>} before
 * @param {ReadonlyMap<string, Process>} after
 * @param {{ run: string, own: ReadonlySet<number> }} options the run's mark; the processes that go on rightly
 * @returns {Process[]}
 */
export function findLeftProcesses(before, after, { run, own }) {
  const fresh = new Map([...after.values()].filter(({ key }) => !before.has(key)).map((process) => [process.pid, process]));
  /** @type {Map<number, boolean>} */
  const known = new Map([...own].map((pid) => [pid, false]));
  return [...fresh.values()].filter(({ pid }) => isLeft(pid));

  /**
   * @param {number} pid
   * @returns {boolean}
   */
  function isLeft(pid) {
    const answer = known.get(pid) ?? judge(pid);
    known.set(pid, answer);
    return answer;
  }

  /** @param {number} pid */
  function judge(pid) {
    if (pid === process.pid) return false;
    const one = fresh.get(pid);
    if (one === undefined || startedByTheBus.test(one.environment)) return false;
    if (one.environment.includes(`${runMark}=${run}`) || one.parent === process.pid) return true;
    if (one.parent !== 1) return isLeft(one.parent);
    return startedByTheApp.test(one.environment) || ofTheApp.test(`${one.name} ${one.command}`);
  }
}

/**
 * @param {ReadonlyMap<string, Process>} before
 * @returns {Process[]} services that the system bus started on demand since then
 */
export function findBusServices(before) {
  return [...readProcesses().values()].filter(({ key, environment }) => !before.has(key) && startedByTheBus.test(environment));
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
