import { ProblemError } from "../contract/problems.ts";
import type { TerminalKind } from "../contract/terminal.ts";
import { shellOfOurs } from "./application.ts";
import { toolPath } from "./run.ts";
import { listTerminalUsers } from "./terminal-users.ts";

/** What is run on a PTY for a terminal, and what people call it. */
export type TerminalCommand = { file: string; args: string[]; title: string };

/**
 * Goes to a folder and becomes a user's login shell there: `$1` the folder, `$2` the shell. All of it is a new process's own doing, by the
 * user, so a folder that the user may not enter is said to be one.
 */
const enter = 'cd -- "$1" || cd; exec "$2" -l';

/**
 * Becomes a user with all groups of theirs, which lxc-attach's own --uid leaves out: `$1` uid, `$2` gid, `$3` name, `$4` folder, `$5` shell.
 * setpriv of util-linux and BusyBox's su do that without a process between, or a session of their own: so Ctrl-C, jobs and hanging up reach
 * the shell. util-linux's own su, which would begin one, is never reached, because its setpriv is part of the same package.
 */
const becomeUser = `if setpriv --reuid="$1" --regid="$2" --init-groups true 2>/dev/null
then exec setpriv --reuid="$1" --regid="$2" --init-groups sh -c '${enter}' sh "$4" "$5"
else exec su -s /bin/sh -c '${enter}' "$3" sh "$4" "$5"
fi`;

const ourEnvironment = { TERM: "xterm-256color", COLORTERM: "truecolor", LANG: "C.UTF-8" };

/**
 * @throws ProblemError `not-found` where the container has no such user, and what reading its users throws.
 */
export async function terminalCommand(lxcPath: string, name: string, kind: TerminalKind): Promise<TerminalCommand> {
  const where = ["-n", name, "-P", lxcPath];
  if (kind.type === "console") {
    // No key is for lxc-console itself: it would keep Ctrl-A from the container, and the app ends it without.
    return { file: toolPath("lxc-console"), args: [...where, "-t", "0", "-e", "-1"], title: "console" };
  }
  const attach = (variables: Readonly<Record<string, string>>, command: readonly string[], title: string): TerminalCommand => {
    const set = Object.entries({ ...ourEnvironment, ...variables }).flatMap(([key, value]) => ["-v", `${key}=${value}`]);
    const rest = command.length > 0 ? ["--", ...command] : [];
    return { file: toolPath("lxc-attach"), args: [...where, "--clear-env", ...set, ...rest], title };
  };
  if (kind.type === "command") return attach({ HOME: "/root" }, kind.argv, kind.argv[0] ?? "");

  const { user = "root", directory, environment = {} } = kind;
  const ours = shellOfOurs(lxcPath, name);
  // lxc-attach finds root's shell by itself.
  if (user === "root" && directory === undefined) return attach({ HOME: "/root", ...environment }, ours, user);
  const account = (await listTerminalUsers(lxcPath, name)).find((one) => one.name === user);
  if (!account) throw new ProblemError({ code: "not-found", what: `user ${user}` });
  const { uid, gid, home, shell } = account;
  const variables = { HOME: home, USER: user, LOGNAME: user, SHELL: shell, ...environment };
  const sh = ours.length > 0 ? ours : ["/bin/sh"];
  const folder = directory ?? home;
  if (uid === 0) return attach(variables, [...sh, "-c", enter, "sh", folder, shell], user);
  return attach(variables, [...sh, "-c", becomeUser, "sh", String(uid), String(gid), user, folder, shell], user);
}
