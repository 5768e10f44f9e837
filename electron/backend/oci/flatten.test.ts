import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTar } from "../../../privileged-helper/archive/tar-reader.ts";
import { entryOf, inPieces, tarOf, type Wanted } from "../../../privileged-helper/archive/testing/tar.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { flatten, type Layer } from "./flatten.ts";
import { createLayerTree } from "./layer-tree.ts";

let folder: string;
const signal = new AbortController().signal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-flatten-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

function layerOf(bytes: Buffer): Layer {
  const path = join(folder, sha256(bytes));
  writeFileSync(path, bytes);
  return { path, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
}

/** What is in the archive that becomes of these layers: each name with its text, or with what it is. */
async function flattened(layers: Layer[], expectsImplied = false): Promise<Record<string, string>> {
  const path = join(folder, "out.tar");
  rmSync(path, { force: true });
  const fractions: number[] = [];
  const { bytes, sha256: hash } = await flatten(layers, path, signal, (fraction) => fractions.push(fraction));
  expect(fractions).toEqual(fractions.toSorted((one, other) => one - other));
  expect(fractions.at(-1)).toBeCloseTo(1);
  const written = readFileSync(path);
  expect({ bytes, hash }).toEqual({ bytes: written.length, hash: sha256(written) });
  const found: Record<string, string> = {};
  await readTar(inPieces(written), async ({ name, type, target, mode, modifiedSeconds }, readData) => {
    const pieces: Buffer[] = [];
    for await (const piece of readData()) pieces.push(Buffer.from(piece));
    expect(found).not.toHaveProperty([name]);
    if (!expectsImplied && type === "folder" && mode === 0o755 && modifiedSeconds === 0) return;
    found[name] = type === "file" ? Buffer.concat(pieces).toString() : target === "" ? type : `${type} ${target}`;
  });
  return found;
}
const of = (...layers: Wanted[][]) => flattened(layers.map((entries) => layerOf(tarOf(...entries))));
const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (thrown) => (toProblem(thrown) as { reason?: string }).reason,
  );
const file = (name: string, data = name): Wanted => ({ name, data });
const dir = (name: string): Wanted => ({ name, type: "folder" });
const link = (name: string, target: string): Wanted => ({ name, type: "hard-link", target });
const mark = (name: string): Wanted => ({ name, data: "" });

describe("layers that lie over each other", () => {
  it("add and replace", async () => {
    expect(await of([dir("./"), dir("etc/"), file("etc/a", "old"), file("etc/b")], [file("./etc/a", "new"), file("/c")])).toEqual({
      "./": "folder",
      "./etc": "folder",
      "./etc/a": "new",
      "./etc/b": "etc/b",
      "./c": "/c",
    });
  });

  it("take away what is below, and not what they have themselves", async () => {
    expect(
      await of([file("a"), file("d/x"), file("d/y"), file("e/x")], [mark(".wh.a"), mark("d/.wh.x"), mark(".wh.e"), mark("none/.wh.x")]),
    ).toEqual({
      "./d/y": "d/y",
    });
    expect(await of([file("a", "old")], [file("a", "new"), mark(".wh.a")])).toEqual({ "./a": "new" });
    expect(await of([file("a", "old")], [mark(".wh.a"), file("a", "new")])).toEqual({ "./a": "new" });
    expect(await of([file("a")], [mark(".wh.a")], [mark(".wh.a")])).toEqual({});
    expect(await of([file("d/x"), file("d/s/y")], [file("d/s/z"), mark(".wh.d")])).toEqual({ "./d/s/z": "d/s/z" });
  });

  it("make a folder empty, wherever they say so", async () => {
    const below = [dir("d/"), file("d/x"), file("d/s/y"), file("other")];
    const expected = { "./d": "folder", "./d/new": "d/new", "./d/s/z": "d/s/z", "./other": "other" };
    expect(await of(below, [dir("d/"), mark("d/.wh..wh..opq"), file("d/new"), file("d/s/z")])).toEqual(expected);
    expect(await of(below, [dir("d/"), file("d/new"), file("d/s/z"), mark("d/.wh..wh..opq")])).toEqual(expected);
    expect(await of([file("a"), file("b/c")], [mark(".wh..wh..opq"), file("n")])).toEqual({ "./n": "n" });
    expect(await of([file("a")], [mark(".wh..wh.plnk")])).toEqual({ "./a": "a" });
  });

  it("put one kind of thing in the place of another", async () => {
    const linkTo = (name: string, target: string): Wanted => ({ name, type: "symbolic-link", target });
    expect(await of([linkTo("lib", "usr/lib"), file("usr/lib/x")], [file("lib/y")])).toEqual({
      "./usr/lib/x": "usr/lib/x",
      "./lib/y": "lib/y",
    });
    expect(await of([file("d/x"), dir("e/")], [file("d", "file"), linkTo("e", "d")])).toEqual({ "./d": "file", "./e": "symbolic-link d" });
    expect(await reasonOf(of([linkTo("lib", "/etc"), file("lib/x")]))).toBe("through-link");
  });

  it("share files by hard links, also where the first name is gone", async () => {
    expect(await of([file("a", "text"), link("b", "a")], [link("c", "./b")])).toEqual({
      "./a": "text",
      "./b": "hard-link ./a",
      "./c": "hard-link ./a",
    });
    expect(await of([file("a", "text"), link("b", "/a"), link("c", "a")], [mark(".wh.a")])).toEqual({
      "./b": "text",
      "./c": "hard-link ./b",
    });
    expect(await of([file("a", "old"), link("b", "a")], [file("a", "new")])).toEqual({ "./a": "new", "./b": "old" });
    expect(await reasonOf(of([link("b", "a")]))).toBe("hard-link-to-nothing");
    expect(await reasonOf(of([file("a")], [mark(".wh.a")], [link("b", "a")]))).toBe("hard-link-to-nothing");
    expect(await reasonOf(of([dir("a/"), link("b", "a")]))).toBe("hard-link-to-nothing");
  });

  it("may give one file very many names, and are refused where those would fill the memory", async () => {
    const names = Array.from({ length: 200_000 }, (_, index) => link(`n${index}`, "a"));
    const tree = createLayerTree();
    for (const [place, entry] of [file("a"), ...names].entries()) tree.add(0, place, entryOf(entry));
    expect(tree.namesIn(0).get(0)).toHaveLength(200_001);
    const long = `${"d".repeat(200)}/`.repeat(19);
    const addMany = () => {
      for (let index = 0; index < 100_000; index++) tree.add(1, index, entryOf({ name: `${long}${index}` }));
    };
    expect(addMany).toThrow(expect.objectContaining({ problem: expect.objectContaining({ reason: "too-many-entries" }) }));
  });

  it.each([
    ["../x", "name-climbs-out"],
    ["a/../../x", "name-climbs-out"],
  ])("with the name %s are refused", async (name, reason) => expect(await reasonOf(of([file(name)]))).toBe(reason));

  it("may be compressed, each in its own way", async () => {
    const layers = [tarOf(file("a")), tarOf(file("b")), tarOf(file("c"))] as const;
    const zstd = execFileSync("zstd", ["-q", "-c"], { input: layers[2] });
    expect(await flattened([layerOf(layers[0]), layerOf(gzipSync(layers[1])), layerOf(zstd)])).toEqual({
      "./a": "a",
      "./b": "b",
      "./c": "c",
    });
  });

  it("are refused where they are damaged, or are not what their digest says", async () => {
    const good = gzipSync(tarOf(file("a", "x".repeat(100_000))));
    expect(await reasonOf(flattened([layerOf(good.subarray(0, good.length - 20))]))).toBe("not-an-archive");
    expect(await reasonOf(flattened([layerOf(Buffer.from("no archive"))]))).toBe("not-an-archive");
    expect(await reasonOf(flattened([{ ...layerOf(good), digest: `sha256:${"0".repeat(64)}` }]))).toBe("wrong-checksum");
  });

  it("end when that is asked for, and there is nothing of large files in memory", async () => {
    const layer = layerOf(gzipSync(tarOf({ name: "zeros", data: Buffer.alloc(64 * 1024 * 1024) })));
    const stop = new AbortController();
    const path = join(folder, "cancelled.tar");
    const ended = flatten([layer], path, stop.signal, () => stop.abort()).catch((thrown) => toProblem(thrown).code);
    expect(await ended).toBe("cancelled");
    const before = process.memoryUsage.rss();
    await flatten([layer], join(folder, "large.tar"), signal, () => {});
    expect(process.memoryUsage.rss() - before).toBeLessThan(48 * 1024 * 1024);
  });

  it("become what a file system of layers would show, whatever they are", async () => {
    const name = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const entry = fc.oneof(
      name.map((one) => file(one)),
      name.map((one) => dir(one)),
      name.map((one) => mark(one.replace(/([^/]+)$/, ".wh.$1"))),
      name.map((one) => mark(`${one}/.wh..wh..opq`)),
    );
    const layers = fc.array(fc.uniqueArray(entry, { selector: (one) => one.name, maxLength: 6 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(layers, async (wanted) => {
        // Within one layer a name is one thing.
        const fitting = wanted.map((entries) =>
          entries.filter(({ name: one }) => !entries.some((other) => other.type !== "folder" && one.startsWith(`${other.name}/`))),
        );
        expect(
          pathsOf(
            await flattened(
              fitting.map((entries) => layerOf(tarOf(...entries))),
              true,
            ),
          ),
        ).toEqual(mergedBySets(fitting));
      }),
      { numRuns: 60 },
    );
  });
});

/** All files and folders, those included that only what is in them tells of. */
function pathsOf(found: Record<string, string>): string[] {
  const all = Object.keys(found).flatMap((name) =>
    name
      .split("/")
      .slice(1)
      .map((_, depth) =>
        name
          .split("/")
          .slice(1, depth + 2)
          .join("/"),
      ),
  );
  return [...new Set(all)].sort();
}

/** The same by the words of the specification: each layer takes away first, then adds. */
function mergedBySets(layers: Wanted[][]): string[] {
  let paths = new Map<string, "file" | "folder">();
  for (const layer of layers) {
    const below = paths;
    const removed = (path: string) =>
      layer.some(({ name }) => {
        const folderName = name.slice(0, Math.max(0, name.lastIndexOf("/")));
        const base = name.slice(name.lastIndexOf("/") + 1);
        if (base === ".wh..wh..opq") return path.startsWith(`${folderName}/`);
        const gone = [folderName, base.slice(4)].filter(Boolean).join("/");
        return base.startsWith(".wh.") && (path === gone || path.startsWith(`${gone}/`));
      });
    const own = layer.filter(({ name }) => !/(^|\/)\.wh\./.test(name));
    paths = new Map([...below].filter(([path]) => !removed(path)));
    for (const { name, type } of own) {
      const parts = name.split("/");
      for (let depth = 1; depth < parts.length; depth++) put(paths, parts.slice(0, depth).join("/"), "folder");
      put(paths, name, type === "folder" ? "folder" : "file");
    }
  }
  return [...paths.keys()].sort();
}

function put(paths: Map<string, "file" | "folder">, path: string, type: "file" | "folder") {
  if (!(type === "folder" && paths.get(path) === "folder")) {
    for (const one of [...paths.keys()]) if (one === path || one.startsWith(`${path}/`)) paths.delete(one);
  }
  paths.set(path, type);
}
