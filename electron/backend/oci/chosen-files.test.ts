import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tarOf } from "../../../privileged-helper/archive/testing/tar.ts";
import { type OciReference, parseOciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { type ChosenFiles, createChosenFiles } from "./chosen-files.ts";

const saved = tarOf({ name: "manifest.json", data: JSON.stringify([{ RepoTags: null }]) });
const never = new AbortController().signal;

let base: string;
let told: [channel: number, bytes: number][];
let files: ChosenFiles;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "lxc-desktop-chosen-"));
  told = [];
  files = createChosenFiles(base, (channel, bytes) => told.push([channel, bytes]));
});
afterEach(async () => {
  await files.close();
  rmSync(base, { recursive: true });
});

const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

async function copy(name = "my saved.tar"): Promise<{ channel: number; reference: OciReference; path: string }> {
  const { channel } = await files.open(name, saved.length);
  for (let at = 0; at < saved.length; at += 1000) expect(files.receive(channel, saved.subarray(at, at + 1000))).toBe(true);
  const { images } = await files.lookInto(channel, never);
  const reference = parseOciReference(images[0]?.reference ?? "");
  if (typeof reference === "string" || reference.type === "registry") throw new Error("no file");
  return { channel, reference, path: reference.path };
}

it("a file is here as it is, for its person alone, until it is forgotten", async () => {
  const { channel, path } = await copy();
  expect(readFileSync(path).equals(saved)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(files.has(path)).toBe(true);
  expect(told.at(-1)).toEqual([channel, saved.length]);
  files.forget(channel);
  await expect.poll(() => readdirSync(base)).toEqual([]);
  files.forget(channel);
});

it("its name is its own, as far as it is one, and leads nowhere else", async () => {
  expect((await copy()).path).toMatch(/\/my saved\.tar$/);
  expect((await copy("../../a:b\u2028.tar")).path).toMatch(/\/\.\._\.\._a_b_\.tar$/);
  expect((await copy("..")).path).toMatch(/\/archive$/);
  expect((await copy("é".repeat(255))).path).toMatch(/\/é{60}$/);
});

it("one that is used stays until that has ended, also where the page is gone", async () => {
  const { reference, path } = await copy();
  let end = () => {};
  const work = files.keepDuring(reference, () => new Promise<void>((resolve) => (end = resolve)));
  files.forgetAll();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(existsSync(path)).toBe(true);
  end();
  await work;
  await expect.poll(() => readdirSync(base)).toEqual([]);
});

it.each([
  ["the page gives up", (_: number, controller: AbortController) => controller.abort()],
  ["it is forgotten", (channel: number) => files.forget(channel)],
  ["the page goes", () => files.forgetAll()],
])("one that is still coming is not waited for where %s, and leaves nothing", async (_, end) => {
  const controller = new AbortController();
  const { channel } = await files.open("a.tar", saved.length);
  files.receive(channel, saved.subarray(0, 100));
  const looking = problemOf(files.lookInto(channel, controller.signal));
  end(channel, controller);
  expect(await looking).toEqual({ code: "cancelled" });
  files.forget(channel);
  await expect.poll(() => readdirSync(base)).toEqual([]);
  // Bytes that were under way are nobody else's.
  expect(files.receive(channel, saved)).toBe(true);
  expect(files.receive(7, saved)).toBe(false);
});

it("is not begun where there is no room for it", async () => {
  expect(await problemOf(files.open("a.tar", Number.MAX_SAFE_INTEGER))).toMatchObject({ code: "no-space", path: base });
  expect(readdirSync(base)).toEqual([]);
});

it("what a process left that was killed is removed, and nothing of one that runs", async () => {
  const [dead, alive] = [`.${"0".repeat(16)}.4194305`, `.${"0".repeat(16)}.1`];
  for (const name of [dead, alive]) mkdirSync(join(base, name));
  const later = createChosenFiles(base, () => {});
  await expect.poll(() => readdirSync(base)).toEqual([alive]);
  await later.close();
});
