import type { FirstStart } from "../contract/first-start.ts";
import type { Inside } from "./run-inside.ts";

/** What systems give to people, login.defs(5); the others are their own. */
const peoplesIds = { first: 1000, last: 60_000 };

/** $1: a user; $2: a key. Where the key is there already nothing is added. */
const addKey = `set -eu
while IFS=: read -r name _ id group _ folder _; do
  if [ "$name" = "$1" ]; then uid=$id gid=$group home=$folder; fi
done </etc/passwd
umask 077
mkdir -p "$home/.ssh"
keys=$home/.ssh/authorized_keys
touch "$keys"
if ! grep -qxF -e "$2" "$keys"; then
  if [ -n "$(tail -c 1 "$keys")" ]; then echo >>"$keys"; fi
  printf '%s\\n' "$2" >>"$keys"
fi
chown "$uid:$gid" "$home/.ssh" "$keys"
chmod 700 "$home/.ssh"
chmod 600 "$keys"`;

/** $1: a user. sudoers(5): files below it without a dot are read. */
const allowSudo = `set -eu
mkdir -p /etc/sudoers.d
umask 227
printf '%s ALL=(ALL) NOPASSWD: ALL\\n' "$1" >"/etc/sudoers.d/$1"`;

/** $1: a user. Not every doas reads a folder of rules. */
const allowDoas = `set -eu
umask 077
rules=/etc/doas.conf
if [ -d /etc/doas.d ]; then rules=/etc/doas.d/$1.conf; fi
if ! grep -qsxF "permit nopass $1" "$rules"; then printf 'permit nopass %s\\n' "$1" >>"$rules"; fi`;

/** Makes a user, or finds it, and gives it what was asked for. @throws ProblemError `first-start-failed`, `cancelled`. */
export async function makeUser(inside: Inside, { name, key, mayBecomeRoot }: NonNullable<FirstStart["user"]>): Promise<void> {
  const found = await inside.find(["useradd", "adduser", "chpasswd", "bash", "sudo", "doas"]);
  const id = await idOf(inside, name);
  const isRoot = id === 0;
  if (id !== undefined && !isRoot && (id < peoplesIds.first || id > peoplesIds.last)) throw inside.fail("system-user");
  const allow = found.has("sudo") ? allowSudo : found.has("doas") ? allowDoas : undefined;
  if (mayBecomeRoot && !isRoot && !allow) throw inside.fail("no-way-to-root");
  const shell = found.has("bash") ? "/bin/bash" : "/bin/sh";
  if (id === undefined) {
    if (found.has("useradd")) {
      // No password fits this one, and yet the account is not locked: sshd may not let those in who are.
      await inside.run(["useradd", "--create-home", "--shell", shell, "--password", "*", name]);
    } else if (found.has("adduser")) {
      // BusyBox's. It locks the account.
      await inside.run(["adduser", "-D", "-s", shell, name]);
      if (found.has("chpasswd")) await runScript(inside, `printf '%s:*\\n' "$1" | chpasswd -e`, name);
    } else throw inside.fail("no-user-program");
  }
  if (key !== undefined) await runScript(inside, addKey, name, key);
  if (mayBecomeRoot && !isRoot && allow) await runScript(inside, allow, name);
}

async function idOf(inside: Inside, name: string): Promise<number | undefined> {
  const { exitCode, output } = await inside.look(["id", "-u", name]);
  return exitCode === 0 && /^\d+\s*$/.test(output) ? Number(output) : undefined;
}

function runScript(inside: Inside, script: string, ...args: string[]): Promise<void> {
  return inside.run(["/bin/sh", "-c", script, "sh", ...args]);
}
