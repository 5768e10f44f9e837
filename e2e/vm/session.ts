import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { guest } from "../app/machine.ts";
import { addressOf, type WebHost, type WebHostOptions } from "../app/web-host.ts";
import { findFreePort } from "./machine.mjs";
import { type Address, ssh } from "./ssh.mjs";

/** Where main.mjs puts the checkout. */
export const checkoutInside = "/opt/lxc-desktop";

/** How the virtual machine is reached. */
export function address(): Address {
  if (!guest) throw new Error("these tests are about the machine that npm run test:vm starts");
  return guest;
}

/**
 * The installed app, started in a person's session as their desktop would start it: by the service manager of that session.
 * @param beforeItRuns Awaited before the app's program runs, in the process that will run it.
 */
export async function startInSession(
  guest: Address,
  person: string,
  { args = ["--no-open"], beforeItRuns }: Pick<WebHostOptions, "args" | "beforeItRuns"> = {},
): Promise<WebHost> {
  const port = await findFreePort();
  const unit = `lxc-desktop-test-${port}`;
  const manage = (...words: string[]) => run(guest, person, "systemctl", "--user", ...words);
  // The page's address names its port, so it is the same on both sides. The kernel there sees a connection of that person's own.
  const forward = ["-o", "ControlPath=none", "-L", `127.0.0.1:${port}:127.0.0.1:${port}`];
  const program = ["/usr/bin/lxc-desktop", "--port", String(port), ...args];
  const whenTold = ["/bin/sh", "-c", 'echo waits; read -r _; exec "$@" </dev/null', "sh", ...program];
  const service = ["systemd-run", "--user", "--quiet", "--collect", "--wait", "--pipe", `--unit=${unit}`, ...whenTold];
  const [file = "", ...argv] = ssh(guest, person, service, forward);
  const child = spawn(file, argv, { stdio: ["pipe", "pipe", "pipe"] });
  const host = addressOf(child);
  await Promise.race([host, once(child.stdout, "data")]);
  const pid = Number(manage("show", "--property=MainPID", "--value", unit));
  await beforeItRuns?.(pid);
  child.stdin.end("\n");
  return {
    ...(await host),
    pid,
    stop() {
      manage("stop", unit);
      return host.then(({ exited }) => exited);
    },
  };
}

/** Runs a short program as a person. @returns What it printed. */
export function run(guest: Address, person: string, ...argv: string[]): string {
  const [file = "", ...args] = ssh(guest, person, argv);
  return execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
