import { ProblemError, toProblem } from "../contract/problems.ts";
import { type TerminalUser, userName } from "../contract/terminal.ts";
import { shellOfOurs } from "./application.ts";
import { run } from "./run.ts";

const maxUsers = 200;
const maxPathLength = 4096;
const readTimeoutSeconds = 10;
const largestId = 0xfffffffe;
/** What passwd names instead of a shell for an account that nobody is to be. */
const noShells = new Set(["nologin", "false", "true", "sync", "halt", "shutdown"]);

/**
 * Who can be in a container that runs: read by a program of the container's own, so that root follows no link in its files and waits for no
 * file system of its making.
 * @throws ProblemError `not-supported` where it has nothing to read its passwd with, `timed-out`.
 */
export async function listTerminalUsers(lxcPath: string, name: string): Promise<TerminalUser[]> {
  const [busybox] = shellOfOurs(lxcPath, name);
  const command = busybox === undefined ? ["cat", "/etc/passwd"] : [busybox, "cat", "/etc/passwd"];
  const args = ["-n", name, "-P", lxcPath, "--clear-env", "--", ...command];
  try {
    return parsePasswd((await run("lxc-attach", args, { timeoutSeconds: readTimeoutSeconds })).output);
  } catch (thrown) {
    if (toProblem(thrown).code !== "command-failed") throw thrown;
    throw new ProblemError({ code: "not-supported", what: "Its users cannot be read: it has no /etc/passwd, or no cat." });
  }
}

/**
 * passwd(5): `NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL` in each line. Lines that are not, and accounts without a shell, are left out.
 * @param text A container's, which may say anything.
 * @returns Root first, then people, then the accounts of the system.
 */
export function parsePasswd(text: string): TerminalUser[] {
  const users = new Map<string, TerminalUser>();
  for (const line of text.split("\n")) {
    const [name = "", , uidText = "", gidText = "", , home = "", shell = "", ...more] = line.split(":");
    const uid = idOf(uidText);
    const gid = idOf(gidText);
    if (more.length > 0 || uid === undefined || gid === undefined || !userName.safeParse(name).success || users.has(name)) continue;
    // passwd(5): an empty field means /bin/sh.
    const program = shell === "" ? "/bin/sh" : shell;
    if (!isPath(home) || !isPath(program) || noShells.has(program.slice(program.lastIndexOf("/") + 1))) continue;
    users.set(name, { name, uid, gid, home, shell: program });
  }
  return [...users.values()].toSorted((a, b) => rankOf(a) - rankOf(b) || a.uid - b.uid).slice(0, maxUsers);
}

const firstOfPeople = 1000;
const rankOf = ({ uid }: TerminalUser) => (uid === 0 ? 0 : uid >= firstOfPeople ? 1 : 2);

function idOf(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  return id !== undefined && id <= largestId ? id : undefined;
}

function isPath(text: string): boolean {
  return /^\/[^\p{Cc}]*$/u.test(text) && text.length <= maxPathLength;
}
