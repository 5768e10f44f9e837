import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fuzz } from "./fuzz.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-fuzzer-"));
  mkdirSync(join(folder, "corpus"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const reply = (json: string) =>
  `{ const json = Buffer.from(${JSON.stringify(json)}); const head = Buffer.alloc(8); head.writeUInt32BE(json.length + 4); process.stdout.write(Buffer.concat([head, json])); }`;
const targets: [what: string, program: string, finding: RegExp][] = [
  ["crashes", 'process.stdin.once("data", () => { throw new Error("found it"); });', /ended with 1:.*found it/s],
  ["is killed", 'process.stdin.once("data", () => process.kill(process.pid, "SIGKILL"));', /ended with SIGKILL/],
  ["sends what is no frame", 'process.stdin.once("data", () => process.stdout.write("not a frame", () => process.exit(0)));', /no frame/],
  [
    "answers that something is wrong with itself",
    `process.stdin.once("data", () => { ${reply('{"id":1,"error":{"data":{"code":"internal","detail":"my fault"}}}')} ${reply('{"id":1099511627776,"result":{}}')} }).on("end", () => process.exit(0));`,
    /internal: my fault/,
  ],
];

it.each(targets)(
  "a target that %s is found, and what found it becomes part of the corpus",
  { timeout: 60_000 },
  async (_what, program, finding) => {
    const script = join(folder, "target.cjs");
    writeFileSync(script, program);
    const corpus = join(folder, "corpus");
    const { findings } = await fuzz({ script, lxcPath: folder, corpus, milliseconds: 30_000, seed: 1 });
    expect(findings).toEqual([expect.stringMatching(finding)]);
    expect(readdirSync(corpus)).toHaveLength(1);
  },
);
