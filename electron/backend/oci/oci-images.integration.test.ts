import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tarOf } from "../../../privileged-helper/archive/testing/tar.ts";
import type { OciImage } from "../../../privileged-helper/contract/model.ts";
import { type OciReference, parseOciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { createHostTasks, type HostTasks } from "../host-tasks.ts";
import { createOciImages, type OciImages } from "./oci-images.ts";
import { createLayout, type Layout } from "./testing/layout.ts";
import { type Registry, startRegistry } from "./testing/registry.ts";
import { makeUmociImage, saveForDocker } from "./testing/umoci-image.ts";

/** skopeo itself, against a registry of the test's own and real archives. */
let place: string;
let folder: string;
let layout: Layout;
let registry: Registry;
let tasks: HostTasks;
let images: OciImages;
const base = tarOf({ name: "etc/", type: "folder", mode: 0o755 }, { name: "etc/base", data: "base" }, { name: "etc/gone", data: "gone" });
const top = tarOf({ name: "etc/top", data: "top" }, { name: "etc/.wh.gone", data: "" });
const config = { Entrypoint: ["/bin/app"], Cmd: ["--port", "80 80"], Env: ["A=b"], User: "app", StopSignal: "SIGINT" };
const own = process.arch === "x64" ? "amd64" : process.arch;

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), "lxc-desktop-oci-"));
  folder = join(place, "cache");
  mkdirSync(folder);
  layout = createLayout(join(place, "layout"));
  registry = await startRegistry(layout.folder);
  tasks = createHostTasks();
  images = createOciImages({ folder, stallMilliseconds: 60_000, keptBytes: 1e9 });
});
afterEach(async () => {
  await images.idle();
  await registry.close();
  rmSync(place, { recursive: true });
});

const parse = (text: string) => parseOciReference(text) as OciReference;
const of = (tag: string) => parse(`${registry.host}/test/app:${tag}`);
const signal = () => new AbortController().signal;
type Got = { image: OciImage; files: string[]; sha256: string };

/** Fetches an image and looks at the archive that it becomes. */
const fetch = (reference: OciReference, { manifest, by = images }: { manifest?: string; by?: OciImages } = {}) =>
  tasks.run("download", "test", undefined, (task) =>
    by.fetch<Got>(
      { reference, manifest },
      task,
      async () => undefined,
      async (image, { path, bytes, sha256 }) => {
        expect(createHash("sha256").update(readFileSync(path)).digest("hex")).toBe(sha256);
        expect(readFileSync(path)).toHaveLength(bytes);
        const files = execFileSync("tar", ["-tf", path], { encoding: "utf8" }).trim().split("\n");
        return { image, files, sha256 };
      },
    ),
  );
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const blobsAskedFor = () => registry.asked.filter((line) => line.startsWith("GET") && line.includes("/blobs/"));
const left = () => readdirSync(folder).filter((name) => name !== "blobs");

/** Those that still work there. */
function skopeosIn(path: string): string[] {
  const isOne = (pid: string) => {
    const argv = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0") : [];
    return argv[0]?.endsWith("skopeo") && argv.some((word) => word.startsWith(path));
  };
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOne(name));
}

function childrenOf(pid: number | undefined): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
}

describe("an image in a registry", () => {
  it("tells what it is before it is downloaded", async () => {
    const { manifest, layers } = layout.addImage("1", [base, top], config);
    const image = await images.inspect(of("1"), signal());
    expect(image).toMatchObject({
      title: `${registry.host}/test/app:1`,
      manifest: manifest.slice(7),
      layers: 2,
      architecture: own,
      application: {
        argv: ["/bin/app", "--port", "80 80"],
        environment: ["A=b"],
        user: "app",
        stopSignal: "SIGINT",
        workingDirectory: "/",
      },
    });
    expect(image.bytes).toBeGreaterThan(0);
    for (const layer of layers) expect(registry.asked.join()).not.toContain(layer);
    expect(left()).toEqual([]);
  });

  it("becomes one archive; its layers are kept, and everything else goes", async () => {
    const { layers } = layout.addImage("1", [base, top], config);
    const { files } = await fetch(of("1"));
    expect(files).toEqual(["./etc", "./etc/base", "./etc/top"]);
    expect(left()).toEqual([]);
    for (const layer of layers) expect(existsSync(join(folder, "blobs/sha256", layer.slice(7)))).toBe(true);
    const [task] = tasks.list();
    expect(task).toMatchObject({ state: "succeeded" });
    const copy = task?.commands.find((argv) => argv.includes("copy"));
    expect(copy).toEqual(expect.arrayContaining(["skopeo", "--src-tls-verify=false"]));
  });

  it("shares layers with others: none is downloaded twice", async () => {
    const { layers } = layout.addImage("1", [base, top], config);
    const second = layout.addImage("2", [base, tarOf({ name: "etc/other", data: "other" })], config);
    await fetch(of("1"));
    registry.asked.length = 0;
    expect((await fetch(of("2"))).files).toEqual(["./etc", "./etc/base", "./etc/gone", "./etc/other"]);
    expect(blobsAskedFor().join()).not.toContain(layers[0]);
    expect(blobsAskedFor().join()).toContain(second.layers[1]);
    registry.asked.length = 0;
    await fetch(of("2"));
    expect(blobsAskedFor().join()).not.toContain(second.layers[1]);
    expect(tasks.log(tasks.list().at(-1)?.id ?? "").text).toContain("2 of 2 layers are here already");
  });

  it("is the one for this computer, of a list of several", async () => {
    const here = layout.addImage("a", [base], config);
    const other = layout.addImage("b", [top], config);
    const index = layout.addIndex("list", [
      { image: other, architecture: "s390x" },
      { image: here, architecture: own },
    ]);
    expect((await fetch(of("list"))).image.manifest).toBe(here.manifest.slice(7));
    expect((await fetch(parse(`${registry.host}/test/app@${index}`))).files).toContain("./etc/base");
    layout.addIndex("foreign", [{ image: other, architecture: "s390x" }]);
    expect(await problemOf(images.inspect(of("foreign"), signal()))).toMatchObject({
      code: "not-supported",
      what: expect.stringContaining("linux/s390x"),
    });
  });

  it("is refused where it is another one by now than the one that was looked at", async () => {
    layout.addImage("1", [base], config);
    const { manifest } = await images.inspect(of("1"), signal());
    expect((await fetch(of("1"), { manifest })).image.manifest).toBe(manifest);
    layout.addImage("2", [top], config);
    expect(await problemOf(fetch(of("2"), { manifest }))).toMatchObject({ code: "download-failed", reason: "wrong-checksum" });
  });

  it("is refused where a layer is not what it should be, and nothing of that is kept", async () => {
    const { layers } = layout.addImage("1", [base, top], config);
    registry.faulty = (digest, response) => {
      if (digest !== layers[1]) return false;
      response.end("something else");
      return true;
    };
    expect(await problemOf(fetch(of("1")))).toMatchObject({
      code: "command-failed",
      summary: "What came is not what was announced: its digest is another one.",
    });
    expect(left()).toEqual([]);
    registry.faulty = undefined;
    expect((await fetch(of("1"))).files).toContain("./etc/top");
  });

  it("that was damaged on the disk is downloaded again", async () => {
    const { layers } = layout.addImage("1", [base], config);
    await fetch(of("1"));
    writeFileSync(join(folder, "blobs/sha256", (layers[0] ?? "").slice(7)), "damaged");
    expect(await problemOf(fetch(of("1")))).toMatchObject({ code: "archive-refused", reason: "wrong-checksum" });
    expect((await fetch(of("1"))).files).toContain("./etc/base");
  });

  it("is given up where nothing comes any more, and when that is asked for", async () => {
    const { layers } = layout.addImage("1", [base], config);
    const begun = () => vi.waitFor(() => expect(blobsAskedFor().join()).toContain(layers[0]), { timeout: 20_000 });
    registry.faulty = (digest, response) => {
      if (digest !== layers[0]) return false;
      response.writeHead(200, { "content-length": 1_000_000 });
      response.write("a little");
      return true;
    };
    const impatient = createOciImages({ folder, stallMilliseconds: 1500, keptBytes: 1e9 });
    expect(await problemOf(fetch(of("1"), { by: impatient }))).toMatchObject({ code: "download-failed", reason: "stalled" });
    registry.isSilent = true;
    expect(await problemOf(impatient.inspect(of("1"), signal()))).toMatchObject({ code: "download-failed", reason: "stalled" });
    const asking = new AbortController();
    const asked = problemOf(images.inspect(of("1"), asking.signal));
    asking.abort();
    expect(await asked).toEqual({ code: "cancelled" });
    registry.isSilent = false;
    registry.asked.length = 0;
    const fetching = problemOf(fetch(of("1")));
    await begun();
    tasks.cancel(tasks.list().at(-1)?.id ?? "");
    expect(await fetching).toEqual({ code: "cancelled" });
    expect(left()).toEqual([]);
    expect(skopeosIn(folder)).toEqual([]);
  });

  it.each(["downloaded", "laid over each other"])("whose layers are %s leaves nothing where the app is killed", async (doing) => {
    const { layers } = layout.addImage("1", [tarOf({ name: "zeros", data: Buffer.alloc(100_000_000) })], config);
    const reference = `${registry.host}/test/app:1`;
    const program = join(import.meta.dirname, "testing/fetching-process.ts");
    if (doing === "downloaded") {
      registry.faulty = (digest, response) => {
        if (digest !== layers[0]) return false;
        response.writeHead(200, { "content-length": 1_000_000 });
        response.write("a little");
        return true;
      };
    }
    const fetching = spawn(process.execPath, ["--import", "tsx", program, folder, reference], { stdio: ["ignore", "inherit", "inherit"] });
    const exited = once(fetching, "exit");
    await vi.waitFor(
      () => {
        if (doing === "downloaded") expect(blobsAskedFor().join()).toContain(layers[0]);
        else expect(left().some((name) => existsSync(join(folder, name, "rootfs.tar")))).toBe(true);
      },
      { timeout: 60_000, interval: 5 },
    );
    const workers = childrenOf(fetching.pid);
    if (doing === "downloaded") expect(workers).toHaveLength(1);
    fetching.kill("SIGKILL");
    await exited;
    await vi.waitFor(() => expect(workers.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), { timeout: 20_000 });
    expect(left()).toHaveLength(1);
    await createOciImages({ folder, stallMilliseconds: 60_000, keptBytes: 1e9 }).idle();
    expect(left()).toEqual([]);
  });

  it("that finds no room is told as that, before it is downloaded or while it is laid out, and nothing of it is left", async () => {
    const small = join(place, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "lxc-desktop-test", small]);
    try {
      const there = createOciImages({ folder: small, stallMilliseconds: 60_000, keptBytes: 1e9 });
      const noSpace = async (layer: Buffer) => {
        layout.addImage("large", [base, tarOf({ name: "large", data: layer })], config);
        expect(await problemOf(fetch(of("large"), { by: there }))).toMatchObject({
          code: "no-space",
          path: expect.stringContaining(small),
        });
        expect(readdirSync(small)).toEqual(["blobs"]);
      };
      await noSpace(randomBytes(20_000_000));
      await noSpace(Buffer.alloc(20_000_000));
    } finally {
      execFileSync("umount", [small]);
    }
  });

  it("says what is wrong", async () => {
    layout.addImage("odd", [base], { User: "a b" });
    expect(await problemOf(images.inspect(of("none"), signal()))).toMatchObject({
      code: "command-failed",
      summary: `${registry.host} has no such image.`,
    });
    expect(await problemOf(images.inspect(parse("127.0.0.1:1/x"), signal()))).toMatchObject({
      code: "command-failed",
      summary: "127.0.0.1:1 cannot be reached.",
    });
    expect(await problemOf(images.inspect(of("odd"), signal()))).toMatchObject({ code: "download-failed", reason: "not-understood" });
  });

  it("does not fill the disk for ever, nor leave what a killed process had begun", async () => {
    const frugal = createOciImages({ folder, stallMilliseconds: 60_000, keptBytes: 100 });
    const first = layout.addImage("1", [base], config);
    await fetch(of("1"), { by: frugal });
    const blobs = join(folder, "blobs/sha256");
    expect(readdirSync(blobs).length).toBeGreaterThan(0);
    for (const name of readdirSync(blobs)) utimesSync(join(blobs, name), 1, 1);
    mkdirSync(join(folder, ".0123456789abcdef.2147483646"));
    const { layers } = layout.addImage("2", [top], config);
    await fetch(of("2"), { by: frugal });
    expect(readdirSync(blobs)).toContain(layers[0]?.slice(7));
    expect(readdirSync(blobs)).not.toContain(first.layers[0]?.slice(7));
    expect(left()).toEqual([]);
  });
});

describe("an image in a file", () => {
  it.each(["oci-archive", "docker-archive"] as const)("is taken out of a %s", async (type) => {
    layout.addImage("1", [base, top], config);
    const path = join(place, "my image.tar");
    if (type === "docker-archive") saveForDocker(layout.folder, "1", path, "test/app:1");
    else execFileSync("skopeo", ["copy", "--quiet", `oci:${layout.folder}:1`, `${type}:${path}`]);
    const { image, files } = await fetch(parse(`${type}:${path}`));
    expect(image).toMatchObject({ title: "my image.tar", application: { argv: ["/bin/app", "--port", "80 80"], user: "app" } });
    expect(files).toEqual(["./etc", "./etc/base", "./etc/top"]);
    expect(left()).toEqual([]);
  });

  it("is taken out of a layout in a folder, by its tag", async () => {
    layout.addImage("1", [base, top], config);
    layout.addImage("2", [base], config);
    const { image, files } = await fetch(parse(`oci:${layout.folder}:2`));
    expect(image).toMatchObject({ title: `${basename(layout.folder)} 2`, layers: 1 });
    expect(files).toEqual(["./etc", "./etc/base", "./etc/gone"]);
    await expect(fetch(parse(`oci:${layout.folder}:3`))).rejects.toMatchObject({ problem: { summary: "There is no such image in it." } });
    await expect(fetch(parse(`oci:${layout.folder}`))).rejects.toMatchObject({
      problem: { summary: "There is more than one image in it: say which, after a colon." },
    });
    expect(left()).toEqual([]);
  });

  it("that umoci has made and docker save has written is told and taken as it is", async () => {
    const made = join(place, "made");
    const files = [
      (rootfs: string) => {
        mkdirSync(join(rootfs, "srv"));
        for (const name of ["kept", "gone"]) writeFileSync(join(rootfs, "srv", name), name);
        chownSync(join(rootfs, "srv/kept"), 1000, 1001);
      },
      (rootfs: string) => rmSync(join(rootfs, "srv/gone")),
    ];
    makeUmociImage(made, "1", files, {
      entrypoint: ["/bin/app", "an argument, with a comma"],
      cmd: ["--port", "80"],
      env: ['GREETING=it\'s "here"', "PATH=/bin"],
      user: "app:staff",
      workingdir: "/srv",
      exposedports: ["80/tcp"],
      volume: ["/data"],
      stopsignal: "SIGINT",
    });
    const path = join(place, "saved.tar");
    saveForDocker(made, "1", path, "test/app:1");
    const got = await fetch(parse(`docker-archive:${path}`));
    expect(got.image.application).toEqual({
      argv: ["/bin/app", "an argument, with a comma", "--port", "80"],
      environment: ['GREETING=it\'s "here"', "PATH=/bin"],
      workingDirectory: "/srv",
      user: "app:staff",
      ports: ["80/tcp"],
      volumes: ["/data"],
      stopSignal: "SIGINT",
    });
    expect(got.image.layers).toBe(2);
    expect(got.files).toEqual(expect.arrayContaining(["./srv", "./srv/kept"]));
    expect(got.files).not.toContain("./srv/gone");
  });

  it("is refused where it is none, or not there", async () => {
    const path = join(place, "text.tar");
    writeFileSync(path, "no archive".repeat(1000));
    for (const type of ["oci-archive", "docker-archive"]) {
      expect(await problemOf(images.inspect(parse(`${type}:${path}`), signal()))).toMatchObject({ code: "command-failed" });
      expect(await problemOf(images.inspect(parse(`${type}:${path}.none`), signal()))).toMatchObject({ summary: "There is no such file." });
    }
  });
});
