import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tarOf } from "../../../privileged-helper/archive/testing/tar.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { imagesInFile } from "./images-in-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-images-in-file-"));
  path = join(folder, "saved.tar");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What is in an archive of these files, references without what they have in common. */
async function look(files: Record<string, unknown>, pack: (archive: Buffer) => Buffer = (archive) => archive) {
  const entries = Object.entries(files).map(([name, value]) => ({ name, data: typeof value === "string" ? value : JSON.stringify(value) }));
  writeFileSync(path, pack(tarOf({ name: "blobs/a", data: "x".repeat(3000) }, ...entries)));
  const { images } = await imagesInFile(path);
  return images.map(({ reference, title }) => [reference.replace(path, ""), title]);
}
const problemOf = (...args: Parameters<typeof look>) => look(...args).then(() => undefined, toProblem);
const saved = (...tags: (string[] | null)[]) => tags.map((RepoTags) => ({ Config: "c.json", RepoTags, Layers: [] }));
const layout = (...names: (string | undefined)[]) => ({
  "./oci-layout": { imageLayoutVersion: "1.0.0" },
  "./index.json": {
    manifests: names.map((name) => ({
      digest: "sha256:x",
      annotations: name === undefined ? {} : { "org.opencontainers.image.ref.name": name },
    })),
  },
});

it("are known by what docker save wrote, one or several, with a name and without", async () => {
  expect(await look({ "manifest.json": saved(["docker.io/library/alpine:3"]) })).toEqual([
    ["docker-archive::docker.io/library/alpine:3", "alpine:3"],
  ]);
  expect(await look({ "manifest.json": saved(null) }, gzipSync)).toEqual([["docker-archive:", "Image 1"]]);
  expect(await look({ "manifest.json": saved(["x/one:1", "x/one:2"], []) })).toEqual([
    ["docker-archive::x/one:1", "x/one:1"],
    ["docker-archive::@1", "Image 2"],
  ]);
});

it("are known by the layout of an OCI archive, where each of several needs a name", async () => {
  expect(await look(layout("1"))).toEqual([["oci-archive:", "1"]]);
  expect(await look(layout(undefined))).toEqual([["oci-archive:", "Image 1"]]);
  expect(await look(layout("one", undefined, "two", "one"))).toEqual([
    ["oci-archive::one", "one"],
    ["oci-archive::two", "two"],
  ]);
  expect(await problemOf(layout(undefined, undefined))).toMatchObject({ code: "not-supported", what: expect.stringContaining("2 images") });
});

it("are those of docker save where an archive is both", async () => {
  expect(await look({ ...layout("3"), "manifest.json": saved(["alpine:3"]) })).toEqual([["docker-archive::alpine:3", "alpine:3"]]);
});

it.each([
  ["another archive", { "etc/hostname": "x" }],
  ["an index without its layout", { "index.json": { manifests: [{}] } }],
  ["a manifest that is none", { "manifest.json": "no" }],
  ["a manifest of nothing", { "manifest.json": [] }],
  ["one that lies deeper", { "a/manifest.json": saved(["x:1"]) }],
])("are not in %s", async (_, files) => expect(await problemOf(files)).toMatchObject({ code: "archive-refused", reason: "no-image" }));

it("are not in what is no archive, or not all of one", async () => {
  for (const pack of [() => Buffer.from("no archive".repeat(200)), (archive: Buffer) => gzipSync(archive).subarray(0, 60)]) {
    expect(await problemOf({ "manifest.json": saved(["x:1"]) }, pack)).toMatchObject({ code: "archive-refused", reason: "not-an-archive" });
  }
});
