import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { asTestUser, testUserEnvironment } from "./test-user.ts";

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
  /** Runs in a mount namespace of its own, in which root has done this first. */
  mount?: string;
};

/** Where the copied build is. */
export function buildFolder(): string {
  const folder = process.env.LXC_DESKTOP_TEST_BUILD;
  if (!folder) throw new Error("the set-up did not run");
  return folder;
}

export async function startWebHost({ args = ["--no-open"], environment = {}, mount }: WebHostOptions = {}): Promise<WebHost> {
  const [file, argv] = asTestUser(process.execPath, [join(buildFolder(), "dist/web/main.mjs"), ...args]);
  const command: [string, string[]] =
    mount === undefined ? [file, argv] : ["/usr/bin/unshare", ["--mount", "/bin/sh", "-c", `${mount} && exec "$@"`, "sh", file, ...argv]];
  const child = spawn(command[0], command[1], {
    cwd: "/",
    env: { ...testUserEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { ...(await addressOf(child)), pid: child.pid ?? 0 };
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
