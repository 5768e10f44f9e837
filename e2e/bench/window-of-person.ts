import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { windowArguments } from "../../electron/web/open-chromium.ts";
import { benchArguments, lookInto, program, type Window } from "./window.ts";

/** The window as the app opens it by itself. It does so for people only, so both windows are those of one who has no rights at all. */

/** Debian's nobody. */
const person = { uid: 65534, gid: 65534 };
const settingsOfChromium = "/etc/chromium.d";

/**
 * Has every Chromium of this mount namespace take the bench's own arguments: Debian's launcher reads them from files of this folder.
 * @returns A function that undoes it.
 */
export function setBenchArguments(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-chromium-"));
  chmodSync(folder, 0o755);
  cpSync(settingsOfChromium, folder, { recursive: true });
  writeFileSync(join(folder, "bench"), `CHROMIUM_FLAGS="$CHROMIUM_FLAGS ${benchArguments.join(" ")}"\n`);
  execFileSync("/usr/bin/mount", ["--bind", folder, settingsOfChromium]);
  return () => execFileSync("/usr/bin/umount", [settingsOfChromium]);
}

/** A page with one word, and nothing behind it. */
export async function openEmptyWindowOfPerson(): Promise<Window> {
  const { folder, start } = makePerson();
  const page = join(folder, "empty.html");
  writeFileSync(page, '<!doctype html><meta charset="utf-8"><title>Empty</title><p>Empty\n');
  const profile = join(folder, "profile");
  const startedAt = Date.now();
  const browser = start(program, windowArguments(`file://${page}`, profile));
  return lookInto({ processes: [browser], profile: () => profile, folder, startedAt, isApp: false });
}

/** The app, from the start of its own process on. */
export async function openAppWindowOfPerson(): Promise<Window> {
  const { folder, runtimeFolder, start } = makePerson();
  // The checkout may be in a folder that only its owner may enter.
  cpSync("dist", join(folder, "dist"), { recursive: true });
  const profile = () => {
    const [own] = readdirSync(runtimeFolder).filter((name) => name.startsWith("lxc-desktop-"));
    return own === undefined ? undefined : join(runtimeFolder, own, "profile");
  };
  const startedAt = Date.now();
  const app = start(process.execPath, [join(folder, "dist/web/main.mjs")]);
  return lookInto({ processes: [app], profile, folder, startedAt, isApp: true });
}

function makePerson() {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-person-"));
  chmodSync(folder, 0o711);
  const [home, runtimeFolder] = ["home", "runtime"].map((name) => join(folder, name)) as [string, string];
  for (const own of [home, runtimeFolder]) {
    mkdirSync(own, { mode: 0o700 });
    chownSync(own, person.uid, person.gid);
  }
  const environment = { PATH: "/usr/bin:/bin", HOME: home, XDG_RUNTIME_DIR: runtimeFolder, DISPLAY: process.env.DISPLAY };
  chownSync(folder, person.uid, person.gid);
  const start = (file: string, args: readonly string[]): ChildProcess =>
    spawn(file, args, { ...person, stdio: "ignore", env: environment, cwd: folder });
  return { folder, runtimeFolder, start };
}
