import { ProblemError } from "../contract/problems.ts";
import type { TerminalKind, TerminalUser } from "../contract/terminal.ts";
import { shellOfOurs } from "./application.ts";
import { lxcVersion } from "./host.ts";
import { toolPath } from "./run.ts";
import { listTerminalUsers } from "./terminal-users.ts";

/** What is run on a PTY for a terminal, and what people call it. */
export type TerminalCommand = {
  file: string;
  args: string[];
  title: string;
  /** True where the tool has the terminal that it runs on put a CR before each LF, beside what the container's own terminal does. */
  addsReturns: boolean;
  /** Who runs it, where that is not root. */
  account?: TerminalUser;
};

/**
 * Goes to a folder and becomes a user's login shell there: `$1` the folder, `$2` the shell. All of it is a new process's own doing, by the
 * user, so a folder that the user may not enter is said to be one.
 */
const enter = 'cd -- "$1" || cd; exec "$2" -l';

/**
 * Runs a script as a user with all groups of theirs, which lxc-attach's own --uid leaves out: `$1` uid, `$2` gid, `$3` name, `$4` the script,
 * and then its arguments. setpriv of util-linux and BusyBox's su do that without a process between, or a session of their own: so Ctrl-C,
 * jobs and hanging up reach the shell. util-linux's own su, which would begin one, is not reached: its setpriv comes with it.
 */
const becomeUser = `uid=$1 gid=$2 name=$3 script=$4
shift 4
if setpriv --reuid="$uid" --regid="$gid" --init-groups true 2>/dev/null
then exec setpriv --reuid="$uid" --regid="$gid" --init-groups sh -c "$script" sh "$@"
else exec su -s /bin/sh -c "$script" "$name" sh "$@"
fi`;

/**
 * The command that runs one of our scripts in a container.
 * @param ours What `shellOfOurs` says.
 * @param account Who is to run it; root where it is undefined.
 * @param args `$1` and on. They are arguments all the way, and no part of any script.
 */
export function scriptInside(
  ours: readonly string[],
  account: Pick<TerminalUser, "uid" | "gid" | "name"> | undefined,
  script: string,
  args: readonly string[],
): string[] {
  const sh = ours.length > 0 ? ours : ["/bin/sh"];
  if (account === undefined || account.uid === 0) return [...sh, "-c", script, "sh", ...args];
  return [...sh, "-c", becomeUser, "sh", String(account.uid), String(account.gid), account.name, script, ...args];
}

/**
 * No key is for lxc-console itself: it would keep Ctrl-A from the container, and the app ends it without. It counts the letter from `Z`
 * (etoc in src/lxc/tools/lxc_console.c), and this one gives -1, which is no key's.
 */
const noEscape = "X";
const ourEnvironment = { TERM: "xterm-256color", COLORTERM: "truecolor", LANG: "C.UTF-8" };

/**
 * @throws ProblemError `not-found` where the container has no such user, and what reading its users throws.
 */
export async function terminalCommand(lxcPath: string, name: string, kind: TerminalKind): Promise<TerminalCommand> {
  const where = ["-n", name, "-P", lxcPath];
  const addsReturns = versionAddsReturns(await lxcVersion());
  if (kind.type === "console") {
    return { file: toolPath("lxc-console"), args: [...where, "-t", "0", "-e", noEscape], title: "console", addsReturns };
  }
  const attach = (variables: Readonly<Record<string, string>>, command: readonly string[], title: string): TerminalCommand => {
    const set = Object.entries({ ...ourEnvironment, ...variables }).flatMap(([key, value]) => ["-v", `${key}=${value}`]);
    const rest = command.length > 0 ? ["--", ...command] : [];
    return { file: toolPath("lxc-attach"), args: [...where, "--clear-env", ...set, ...rest], title, addsReturns };
  };
  if (kind.type === "command") return attach({ HOME: "/root" }, kind.argv, kind.argv[0] ?? "");

  const { user = "root", directory, environment = {} } = kind;
  const ours = shellOfOurs(lxcPath, name);
  // lxc-attach finds root's shell by itself.
  if (user === "root" && directory === undefined) return attach({ HOME: "/root", ...environment }, ours, user);
  const account = (await listTerminalUsers(lxcPath, name)).find((one) => one.name === user);
  if (!account) throw new ProblemError({ code: "not-found", what: `user ${user}` });
  const { home, shell } = account;
  const variables = { HOME: home, USER: user, LOGNAME: user, SHELL: shell, ...environment };
  return { ...attach(variables, scriptInside(ours, account, enter, [directory ?? home, shell]), user), account };
}

/** LXC does so since 4.0.10 (`lxc_setup_tios` in its src/lxc/terminal.c). @param version As `lxc-start --version` prints it. */
export function versionAddsReturns(version: string | undefined): boolean {
  const [, major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version ?? "") ?? []).map(Number);
  return major > 4 || (major === 4 && (minor > 0 || patch >= 10));
}
