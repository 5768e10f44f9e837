/** `npm run fuzz -- [SECONDS] [SEED]`: the fuzzer of the tests for as long as one likes. What it finds becomes part of the corpus. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fuzz } from "./fuzz.ts";
import { prepareFuzzing } from "./prepare-fuzzing.ts";

const [, , seconds = "600", seed = String(Date.now() % 2 ** 32)] = process.argv;
const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-fuzz-"));
try {
  const { script, lxcPath, corpus } = await prepareFuzzing(folder);
  const result = await fuzz({ script, lxcPath, corpus, milliseconds: Number(seconds) * 1000, seed: Number(seed) });
  process.stdout.write(`${JSON.stringify({ seed: Number(seed), ...result }, undefined, 2)}\n`);
  process.exitCode = result.findings.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
