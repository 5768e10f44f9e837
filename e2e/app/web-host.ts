import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { startInSession } from "../vm/session.ts";
import { guest } from "./machine.ts";
import { asTestUser, testUserEnvironment, userName } from "./test-user.ts";

/** The web host, run by the test user; and its address, which opens once. */
export type WebHost = {
  address: string;
  pid: number;
  /** What it printed so far. */
  output(): string;
  /** Ends it as Ctrl-C does. Resolves to its exit code. */
  stop(): Promise<number | null>;
  exited: Promise<number | null>;
};

export type WebHostOptions = {
  args?: readonly string[];
  environment?: NodeJS.ProcessEnv;
  /** The folder that it is started in. */
  folder?: string;
  /** Runs in a mount namespace of its own, in which root has done this first. */
  mount?: string;
  /** Awaited before the host's program runs, in the process that will run it: it has its user and its number by then. */
  beforeItRuns?: (pid: number) => Promise<void>;
  /** Leads a process group of its own, as what is started from a terminal does. */
  leadsGroup?: boolean;
};

/** Where the copied build is. */
export function buildFolder(): string {
  const folder = process.env.LXC_DESKTOP_TEST_BUILD;
  if (!folder) throw new Error("the set-up did not run");
  return folder;
}

export async function startWebHost(options: WebHostOptions = {}): Promise<WebHost> {
  const { args = ["--no-open"], environment = {}, folder = "/", mount, beforeItRuns, leadsGroup = false } = options;
  if (guest) return startInSession(guest, userName, options);
  const program = [process.execPath, join(buildFolder(), "dist/web/main.mjs"), ...args];
  const [file = "", ...rest] = beforeItRuns ? ["/bin/sh", "-c", 'read -r _ <&3; exec "$@" 3<&-', "sh", ...program] : program;
  const [setpriv, argv] = asTestUser(file, rest);
  const command: [string, string[]] =
    mount === undefined
      ? [setpriv, argv]
      : ["/usr/bin/unshare", ["--mount", "/bin/sh", "-c", `${mount} && exec "$@"`, "sh", setpriv, ...argv]];
  const child = spawn(command[0], command[1], {
    cwd: folder,
    env: { ...testUserEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe", ...(beforeItRuns ? (["pipe"] as const) : [])],
    detached: leadsGroup,
  });
  const pid = child.pid ?? 0;
  if (beforeItRuns) {
    await beforeItRuns(pid);
    (child.stdio[3] as Writable).end("\n");
  }
  return { ...(await addressOf(child)), pid };
}

/** Waits for the line that says where the app is. */
export async function addressOf(child: ChildProcess): Promise<Omit<WebHost, "pid">> {
  let output = "";
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const address = await new Promise<string>((resolve, reject) => {
    const read = (text: Buffer) => {
      output += text.toString();
      const match = /^LXC Desktop is ready at (\S+)$/m.exec(output);
      if (match?.[1]) resolve(match[1]);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    void exited.then((code) => reject(new Error(`it ended with ${code} and printed: ${output}`)));
  });
  return {
    address,
    output: () => output,
    exited,
    stop() {
      child.kill("SIGINT");
      return exited;
    },
  };
}
