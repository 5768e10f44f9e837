import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../contract/problems.ts";
import { type KnownTarType, readTar, type TarEntry, tarBlockBytes } from "./tar-reader.ts";
import { encodeTarHeader, tarEnd } from "./tar-writer.ts";
import { entryOf, inPieces, tarOf } from "./testing/tar.ts";

type Read = TarEntry & { data: string };

async function read(source: AsyncIterable<Buffer>): Promise<Read[]> {
  const entries: Read[] = [];
  await readTar(source, async (entry, readData) => {
    const pieces: Buffer[] = [];
    for await (const piece of readData()) pieces.push(Buffer.from(piece));
    entries.push({ ...entry, data: Buffer.concat(pieces).toString("latin1") });
  });
  return entries;
}
/** The header of attributes without the entry that it goes before, and what is in it. */
function splitHeader(bytes: Buffer): [block: Buffer, data: Buffer] {
  return [Buffer.from(bytes.subarray(0, tarBlockBytes)), bytes.subarray(tarBlockBytes, -tarBlockBytes)];
}
/** The same header with another flag, and the checksum that goes with that. */
function flagged(block: Buffer, flag: string): Buffer {
  block.write(flag, 156, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((before, byte) => before + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
const readBytes = (bytes: Buffer) => read(inPieces(bytes));
const reasonOf = (bytes: Buffer) =>
  readBytes(bytes).then(
    () => undefined,
    (thrown) => (toProblem(thrown) as { reason?: string }).reason,
  );

describe("an archive that was written here", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "/", ".", "\xff", "é", "-", " "), minLength: 1, maxLength: 400 });
  const entry = fc.record({
    name,
    type: fc.constantFrom<KnownTarType>("file", "symbolic-link", "hard-link", "pipe", "folder", "character-device"),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    modifiedSeconds: fc.integer({ min: 0, max: 2 ** 40 }),
    target: name,
    deviceMajor: fc.integer({ min: 0, max: 4095 }),
    deviceMinor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
    attributes: fc.dictionary(fc.constantFrom("user.a", "security.capability"), fc.uint8Array({ maxLength: 300 }).map(Buffer.from)),
    data: fc.uint8Array({ maxLength: 3000 }).map(Buffer.from),
  });

  it("is read as it was written, in whatever pieces it comes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 2000 })), async (wanted, lengths) => {
        const plain = wanted.map((one) => {
          const isDevice = one.type === "character-device";
          // A file whose name ends in a slash is a folder in old archives.
          const name = one.type === "file" ? `${one.name}x` : one.name;
          const data = one.type === "file" ? one.data : Buffer.alloc(0);
          return { ...one, name, data, ...(!isDevice && { deviceMajor: 0, deviceMinor: 0 }) };
        });
        const entries = await read(inPieces(tarOf(...plain), ...lengths));
        expect(entries.map(withoutFlag)).toEqual(
          plain.map((one) => ({ ...entryOf({ ...one, size: one.data.length }), data: one.data.toString("latin1") })),
        );
      }),
    );
  });

  const withoutFlag = (entry: Read) => {
    const { flag: _, ...rest } = entry as Read & { flag?: string };
    return rest;
  };

  it("is refused where it is cut off anywhere, or a bit of a header is another", async () => {
    const whole = tarOf({ name: "bin", type: "folder" }, { name: "bin/a", data: "x".repeat(700) });
    for (let length = 0; length < whole.length - tarEnd.length; length += 100) {
      expect(await reasonOf(whole.subarray(0, length)), `${length} bytes`).toBe("not-an-archive");
    }
    for (const at of [0, 100, 124, 150, 156, 257, 400]) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8((damaged[at] ?? 0) ^ 1, at);
      expect(await reasonOf(damaged), `byte ${at}`).toBe("not-an-archive");
    }
  });

  it("is refused where it is made of headers alone, where each entry would have very much of them, or where it never ends", async () => {
    const header = (flag: "g" | "x", attributes: Record<string, Buffer>) => {
      const [block, data] = splitHeader(encodeTarHeader(entryOf({ name: "x", attributes })));
      return Buffer.concat([flagged(block, flag), data]);
    };
    const entry = encodeTarHeader(entryOf({ name: "a" }));
    const small = { "user.a": Buffer.from("1") };
    const times = (count: number, bytes: Buffer) => Buffer.concat(Array.from({ length: count }, () => bytes));
    // What programs write is read.
    const attributesOf = async (bytes: Buffer) => [...((await readBytes(bytes))[0]?.attributes.keys() ?? [])];
    expect(await attributesOf(Buffer.concat([header("g", small), header("x", { "user.b": Buffer.from("2") }), entry, tarEnd]))).toEqual([
      "user.a",
      "user.b",
    ]);
    expect(await reasonOf(Buffer.concat([entry, times(4000, tarEnd)]))).toBeUndefined();

    for (const flag of ["g", "x"] as const)
      expect(await reasonOf(Buffer.concat([times(17, header(flag, small)), entry, tarEnd]))).toBe("not-an-archive");
    expect(await reasonOf(Buffer.concat([header("g", { "user.a": Buffer.alloc(70_000) }), entry, tarEnd]))).toBe("not-an-archive");
    const many = Array.from({ length: 12 }, (_, index) =>
      header("g", Object.fromEntries(Array.from({ length: 10 }, (_, more) => [`user.${index}.${more}`, Buffer.from("1")]))),
    );
    expect(await reasonOf(Buffer.concat([...many, entry, tarEnd]))).toBe("not-an-archive");
    async function* endless() {
      yield Buffer.concat([entry, tarEnd]);
      const zeros = Buffer.alloc(1024 * 1024);
      for (;;) yield zeros;
    }
    await expect(read(endless())).rejects.toMatchObject({ problem: { reason: "not-an-archive" } });
  });

  it("is never anything but entries or a refusal, whatever the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.boolean(), async (bytes, withHeader) => {
        const header = encodeTarHeader({ ...entryOf({ name: "x" }), size: 100 });
        const reason = await reasonOf(Buffer.concat([withHeader ? header : Buffer.alloc(0), bytes]));
        expect([undefined, "not-an-archive"]).toContain(reason);
      }),
    );
  });
});

describe("archives of other programs", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lxc-desktop-tar-"));
    mkdirSync(join(folder, "tree/etc"), { recursive: true });
    writeFileSync(join(folder, "tree/etc/file"), "content");
    symlinkSync("/somewhere/else", join(folder, "tree/link"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const tar = (...options: string[]) =>
    execFileSync("tar", ["-C", join(folder, "tree"), "-c", "--sort=name", ...options, "."], { maxBuffer: 1024 ** 3 });

  it.each(["gnu", "oldgnu", "pax", "ustar", "posix"])("of GNU tar are read: %s", async (format) => {
    const entries = await readBytes(tar(`--format=${format}`));
    expect(entries.map(({ name, type, data, target }) => [name, type, data, target])).toEqual([
      ["./", "folder", "", ""],
      ["./etc/", "folder", "", ""],
      ["./etc/file", "file", "content", ""],
      ["./link", "symbolic-link", "", "/somewhere/else"],
    ]);
  });

  it.each(["gnu", "pax"])("keep long names and targets: %s", async (format) => {
    const long = `${"d".repeat(120)}/${"f".repeat(200)}`;
    mkdirSync(join(folder, "tree", "d".repeat(120)));
    writeFileSync(join(folder, "tree", long), "");
    symlinkSync(`/${"t".repeat(300)}`, join(folder, "tree/far"));
    const entries = await readBytes(tar(`--format=${format}`));
    expect(entries.map(({ name }) => name)).toContain(`./${long}`);
    expect(entries.map(({ target }) => target)).toContain(`/${"t".repeat(300)}`);
  });

  it("say where they hold a sparse file, which is no plain one", async () => {
    writeFileSync(join(folder, "tree/sparse"), "x");
    truncateSync(join(folder, "tree/sparse"), 10 * 1024 * 1024);
    const types: Record<string, string> = {};
    await readTar(inPieces(tar("--format=pax", "--sparse")), ({ name, type }) => {
      types[name] = type;
    });
    expect(Object.values(types)).toContain("unknown");
  });

  it("are read by GNU tar as they were written", () => {
    const wanted = [
      { name: "./é".repeat(60), data: "é" },
      { name: "./link", type: "symbolic-link", target: "t".repeat(200) },
      { name: "./large", uid: 60_000_000, gid: 3_000_000, data: "x" },
    ] as const;
    const listed = execFileSync("tar", ["-tv", "--numeric-owner"], {
      input: tarOf(...wanted.map((one) => ({ ...one, name: Buffer.from(one.name).toString("latin1") }))),
      encoding: "utf8",
    });
    expect(listed).toContain(`${"t".repeat(200)}\n`);
    expect(listed).toContain("60000000/3000000");
  });
});
