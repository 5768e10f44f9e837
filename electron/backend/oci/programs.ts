import { join } from "node:path";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { isExecutable } from "../is-executable.ts";

const folders = ["/usr/local/bin", "/usr/bin", "/bin"];
const neededFor = {
  skopeo: "images of Docker and OCI",
  setpriv: "images of Docker and OCI",
  gzip: "unpacking images",
  zstd: "unpacking images",
} as const;
export type ProgramName = keyof typeof neededFor;

/** The absolute path of a program. @throws ProblemError `tool-missing`. */
export function programPath(name: ProgramName, places: readonly string[] = folders): string {
  const path = places.map((folder) => join(folder, name)).find(isExecutable);
  if (path === undefined) throw new ProblemError({ code: "tool-missing", tool: name, neededFor: neededFor[name] });
  return path;
}
