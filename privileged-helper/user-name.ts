import { readFileSync } from "node:fs";
import { run } from "./lxc/run.ts";

/** What a user is called on this computer; undefined where nobody knows. Users may be elsewhere than in passwd(5). */
export async function userNameOf(uid: number): Promise<string | undefined> {
  return nameIn(readFileSync("/etc/passwd", "utf8"), uid) ?? nameIn(await askNameServices(uid), uid);
}

async function askNameServices(uid: number): Promise<string> {
  try {
    return (await run("getent", ["passwd", String(uid)], { timeoutSeconds: 10, allowExitCodes: "any" })).output;
  } catch {
    return "";
  }
}

function nameIn(passwd: string, uid: number): string | undefined {
  return passwd
    .split("\n")
    .map((line) => line.split(":"))
    .find(([, , id]) => id === String(uid))?.[0];
}
