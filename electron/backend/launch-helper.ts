import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { helperNodeOptions } from "../../privileged-helper/contract/node-options.ts";
import { type InstalledAs, type Problem, ProblemError } from "../../privileged-helper/contract/problems.ts";
import { askPolkit, polkitEnvironment } from "./ask-polkit.ts";
import { type HelperEnd, type HelperProcess, startHelperProcess } from "./helper-process.ts";

/** Starts a helper. @throws ProblemError for what is known before anybody is asked for a password. */
export type HelperLauncher = () => Promise<HelperLaunch>;
export type HelperLaunch = {
  process: HelperProcess;
  /** True as long as polkit may be asking for a password. */
  mayBeAsking(): boolean;
  /** What it means when it ends before it has said hello. */
  explainEnd(end: HelperEnd): Problem | Promise<Problem>;
};

export type HelperLauncherOptions = {
  version: string;
  /** Where the app's own build is: in a checkout its helper is beside it. */
  dist: string;
  installedAs: InstalledAs;
  home?: string;
};

const installedHome = "/usr/lib/lxc-desktop";
const pkexec = "/usr/bin/pkexec";
/** Exit codes of the root-owned launcher (sysexits.h): EX_CONFIG, EX_UNAVAILABLE. */
const unsafeExit = 78;
const noNodeExit = 69;

/**
 * Root starts the helper directly. Anybody else starts the installed one through polkit, once: `limited` where a rule grants
 * this user at least to look, so that nobody is asked without need, and otherwise `full`.
 */
export function createHelperLauncher({ version, dist, installedAs, home = installedHome }: HelperLauncherOptions): HelperLauncher {
  const launcher = join(home, "launch");
  const ownHelper = join(dist, "helper/main.cjs");
  return async () => {
    if (process.getuid?.() === 0) {
      // Electron's own program is no Node that could run it.
      if (process.versions.electron === undefined && existsSync(ownHelper))
        return direct(process.execPath, [...helperNodeOptions, ownHelper, "root"], installedAs);
      if (!existsSync(launcher)) throw new ProblemError({ code: "helper-missing", path: launcher, installedAs });
      return direct(launcher, ["root"], installedAs);
    }
    if (!existsSync(launcher)) throw new ProblemError({ code: "helper-missing", path: launcher, installedAs });
    refuseOtherVersion(home, version, installedAs);
    if (!existsSync(pkexec)) throw new ProblemError({ code: "polkit-unavailable", detail: `${pkexec} is not installed.` });
    const mode = (await askPolkit("view")) === 0 ? "limited" : "full";
    const helper = startHelperProcess(pkexec, ["--disable-internal-agent", launcher, mode], polkitEnvironment);
    return {
      process: helper,
      mayBeAsking: () => commandOf(helper.pid) === "pkexec",
      explainEnd: (end) => explainPkexec(end, mode, installedAs),
    };
  };
}

function direct(file: string, args: string[], installedAs: InstalledAs): HelperLaunch {
  return {
    process: startHelperProcess(file, args, { ...polkitEnvironment, HOME: "/root" }),
    mayBeAsking: () => false,
    explainEnd: ({ exitCode, errors }) =>
      exitCode === unsafeExit
        ? { code: "helper-unsafe", detail: errors, installedAs }
        : { code: "helper-lost", detail: errors || `It ended with exit code ${exitCode}.` },
  };
}

/** Told before a password is asked for, because the helper would only say the same. */
function refuseOtherVersion(home: string, version: string, installedAs: InstalledAs) {
  let installed: unknown;
  try {
    installed = JSON.parse(readFileSync(join(home, "manifest.json"), "utf8")).version;
  } catch {
    return;
  }
  if (typeof installed === "string" && installed !== version) {
    throw new ProblemError({ code: "version-mismatch", app: version, helper: installed.slice(0, 64), installedAs });
  }
}

/** pkexec(1): 126 where the dialog was dismissed, 127 where authorization was not obtained, otherwise the program's own. */
async function explainPkexec({ exitCode, errors }: HelperEnd, action: string, installedAs: InstalledAs): Promise<Problem> {
  if (exitCode === 126) return { code: "auth-dismissed", action };
  if (exitCode === 127) {
    if (/authentication agent/i.test(errors)) return { code: "no-polkit-agent", action };
    // The same for a wrong password and for a rule that refuses. Where polkit would ask again, it was the password.
    if (/not authorized/i.test(errors)) return { code: (await askPolkit(action)) === 2 ? "auth-failed" : "auth-denied", action };
    return { code: "polkit-unavailable", detail: errors || "pkexec could not ask polkit." };
  }
  if (exitCode === unsafeExit || exitCode === noNodeExit) return { code: "helper-unsafe", detail: errors, installedAs };
  if (exitCode === undefined) return { code: "polkit-unavailable", detail: errors };
  return { code: "helper-lost", detail: errors || `It ended with exit code ${exitCode}.` };
}

/** The program that a process runs. pkexec becomes the launcher, in the same process, once polkit has said yes. */
function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}
