import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where distributions put the programs that root runs. The helper never obeys a PATH that it was given. */
export const programFolders: readonly string[] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The absolute path of a program in the first folder that has it; undefined where none has. */
export function findProgram(name: string, folders = programFolders): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
