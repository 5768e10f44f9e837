import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** $XDG_STATE_HOME/lxc-desktop (XDG Base Directory Specification: a relative path is not one). */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const configured = environment.XDG_STATE_HOME;
  const base = configured && isAbsolute(configured) ? configured : join(homedir(), ".local/state");
  return join(base, "lxc-desktop");
}
