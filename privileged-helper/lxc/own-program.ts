import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Arguments of node that run a program of ours: beside the helper's own bundle; from the sources, it is a source too. */
export function ownProgram(name: "shift-owners" | "convert-owners" | "image-unpack"): string[] {
  const bundle = join(import.meta.dirname, `${name}.cjs`);
  if (existsSync(bundle)) return [bundle];
  const source = join(import.meta.dirname, `${name}-main.ts`);
  return ["--import", createRequire(source).resolve("tsx"), source];
}
