import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { explainPublicKey } from "../../privileged-helper/contract/first-start.ts";
import type { PublicKeyFile } from "../../privileged-helper/contract/model.ts";

const maxFiles = 100;
/** A longer file holds more than one key. */
const maxFileBytes = 16_384;

/** The person's public keys, each a file that ends in `.pub`. What is no key is left out; no other file is opened. */
export function listPublicKeys(folder = join(homedir(), ".ssh")): PublicKeyFile[] {
  return namesIn(folder)
    .filter((name) => name.endsWith(".pub"))
    .sort()
    .slice(0, maxFiles)
    .flatMap((name) => {
      const key = readSmallFile(join(folder, name))?.trim();
      return key !== undefined && explainPublicKey(key) === undefined ? [{ name, key }] : [];
    });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Waits for nobody to write into a pipe. */
function readSmallFile(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    return stat.isFile() && stat.size <= maxFileBytes ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
