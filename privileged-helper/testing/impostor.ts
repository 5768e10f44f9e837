import { spawn, spawnSync } from "node:child_process";
import { commandSocketName } from "../lxc/monitors.ts";

/** Somebody's socket under the name by which LXC knows a container as running. */
export type Impostor = {
  /** How many connections it has taken; each is closed at once. */
  connections(): number;
  end(): Promise<void>;
};

/** Python, because Node pads abstract names with zeros. */
const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("\\0" + sys.argv[1])
s.listen(5)
print("listening", flush=True)
while True:
    s.accept()[0].close()
    print("asked", flush=True)
`;

export const canImpersonate = spawnSync("python3", ["--version"]).status === 0;

/** Has an ordinary user hold a container's socket. @param name A container that does not run. */
export async function impersonate(lxcPath: string, name: string): Promise<Impostor> {
  const socketName = commandSocketName(lxcPath, name).slice(1);
  const nobody = 65534;
  const child = spawn("python3", ["-c", program, socketName], { stdio: ["ignore", "pipe", "inherit"], uid: nobody, gid: nobody });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
  });
  await Promise.race([
    new Promise((resolve) => child.stdout.once("data", resolve)),
    ended.then(() => Promise.reject(new Error(`nobody holds ${socketName}`))),
  ]);
  return {
    connections: () => said.split("asked").length - 1,
    end() {
      child.kill("SIGKILL");
      return ended;
    },
  };
}
