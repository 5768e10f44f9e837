import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { testBuilds, testRules, testUser } from "../host/interrupted-run.mjs";
import { people } from "../vm/recipe.mjs";
import { ssh } from "../vm/ssh.mjs";
import { guest, runWithInput } from "./machine.ts";

/** A user without any rights, made for the tests and removed with them; on the virtual machine, the one who sits at it. */
export const userName = guest ? people.admin.name : testUser;

export type TestUser = { uid: number; gid: number; home: string; runtimeFolder: string };

export function createTestUser(): void {
  removeTestUser();
  execFileSync("/usr/sbin/useradd", ["--create-home", "--shell", "/bin/sh", userName]);
  const { uid, gid, runtimeFolder } = readTestUser();
  mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
  chownSync(runtimeFolder, uid, gid);
  chmodSync(runtimeFolder, 0o700);
  forgetImageServers();
}

/** Tests reach nothing but this computer: whoever wants a server of images names it. */
export function forgetImageServers(): void {
  const { uid, gid, home } = readTestUser();
  const folder = join(home, ".config/lxc-desktop");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ imageServers: [] }));
  for (const path of [dirname(folder), folder, join(folder, "settings.json")]) chownSync(path, uid, gid);
}

export function removeTestUser(): void {
  if (!hasTestUser()) return;
  rmSync(readTestUser().runtimeFolder, { recursive: true, force: true });
  execFileSync("/usr/sbin/userdel", ["--remove", "--force", userName], { stdio: "ignore" });
}

export function readTestUser(): TestUser {
  const [, , uid, gid, , home = ""] = line()?.split(":") ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${userName}`);
  return { uid: Number(uid), gid: Number(gid), home, runtimeFolder: `/run/lxc-desktop-test-${uid}` };
}

function hasTestUser() {
  return line() !== undefined;
}

function line() {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${userName}:`));
}

/** Gives the test user a password that nobody else knows. */
export function setRandomPassword(): string {
  const password = randomBytes(18).toString("base64url");
  execFileSync("/usr/sbin/chpasswd", { input: `${userName}:${password}\n` });
  return password;
}

/** Arguments that run a program as the test user with nothing of root's. */
export function asTestUser(file: string, args: readonly string[], user = userName): [file: string, args: string[]] {
  if (guest) {
    // With a terminal where there is one here.
    const [command = "", ...rest] = ssh(guest, user, [file, ...args], ["-t"]);
    return [command, rest];
  }
  const { uid, gid } = readTestUser();
  return ["/usr/bin/setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--inh-caps=-all", file, ...args]];
}

export function testUserEnvironment(): NodeJS.ProcessEnv {
  // What runs here then only leads to the virtual machine, where people have surroundings of their own.
  if (guest) return { PATH: process.env.PATH, HOME: process.env.HOME };
  const { home, runtimeFolder } = readTestUser();
  return { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: runtimeFolder, LANG: "C.UTF-8" };
}

/** Before Debian's own rule, which names the group sudo. */
const administratorRule = `polkit.addAdminRule(function (action, subject) {
  if (action.id.indexOf("org.lxcdesktop.") === 0 && subject.user === ${JSON.stringify(userName)}) return ["unix-user:${userName}"];
  return null;
});
`;

/**
 * What polkit answers the test user for each of the app's actions. Without any answer it asks for the password of an administrator,
 * who may be the test user, as on a computer with one person.
 */
export async function setRule(
  answers: { granted?: readonly string[]; refused?: readonly string[]; isAdministrator?: boolean },
  user = userName,
): Promise<void> {
  const list = (names: readonly string[] = []) => JSON.stringify(names.map((name) => `org.lxcdesktop.${name}`));
  writeRule(
    `polkit.addRule(function (action, subject) {
  if (subject.user !== ${JSON.stringify(user)}) return polkit.Result.NOT_HANDLED;
  if (${list(answers.granted)}.indexOf(action.id) >= 0) return polkit.Result.YES;
  if (${list(answers.refused)}.indexOf(action.id) >= 0) return polkit.Result.NO;
  return polkit.Result.NOT_HANDLED;
});
${answers.isAdministrator ? administratorRule : ""}`,
  );
  await polkitHasRead({ granted: answers.granted?.[0], refused: answers.refused?.[0] }, user);
}

function writeRule(text: string) {
  if (guest) {
    runWithInput(text, "/usr/bin/tee", testRules);
    return;
  }
  mkdirSync("/etc/polkit-1/rules.d", { recursive: true });
  writeFileSync(testRules, text, { mode: 0o644 });
}

export function removeRule(): void {
  if (guest) runWithInput("", "/usr/bin/rm", "-f", testRules);
  else rmSync(testRules, { force: true });
}

/** polkitd notices changed rules by itself, a moment later: asked about a process of the test user, it answers by the new ones. */
async function polkitHasRead({ granted, refused }: { granted?: string; refused?: string }, user: string) {
  const answer = (action: string) => {
    const question = `pkcheck --action-id org.lxcdesktop.${action} --process $$ >/dev/null 2>&1; echo $?`;
    const [file, args] = asTestUser("/bin/sh", ["-c", question], user);
    return execFileSync(file, args, { encoding: "utf8" }).trim();
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    const action = granted ?? refused ?? "view";
    const wanted = granted !== undefined ? ["0"] : refused !== undefined ? ["1"] : ["2"];
    if (wanted.includes(answer(action))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("polkit does not obey the rule of the test");
}

/** A copy of the build that the test user can read, wherever the checkout is. */
export function copyBuild(): string {
  const folder = mkdtempSync(testBuilds);
  for (const part of ["dist", "package.json"]) if (existsSync(part)) cpSync(part, join(folder, part), { recursive: true });
  execFileSync("/usr/bin/chmod", ["-R", "u=rwX,go=rX", folder]);
  return folder;
}
