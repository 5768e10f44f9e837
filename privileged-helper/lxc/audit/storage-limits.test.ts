import { describe, expect, it } from "vitest";
import { auditFacts } from "../../testing/audit-facts.ts";
import { rootDiskOf } from "./root-disk.ts";
import { checkDisk, checkInputOutput, inputOutputLines, limitsIn } from "./storage-limits.ts";

const mebibyte = 1024 * 1024;
const textOf = (lines: ReturnType<typeof inputOutputLines>) => lines.map(([key, value]) => `${key} = ${value}`).join("\n");

describe("the limit of reading and writing", () => {
  it.each(["v1", "v2"] as const)("is none where there is no line, and what the lines of %s say", (version) => {
    const controllerVersion = () => version;
    expect(checkInputOutput(auditFacts({ controllerVersion }))).toMatchObject({
      state: "warning",
      fixes: [{ check: "input-output" }],
    });
    const config = textOf(inputOutputLines(version, "8:0", 5 * mebibyte));
    expect(checkInputOutput(auditFacts({ controllerVersion, config }))).toMatchObject({
      state: "ok",
      summary: expect.stringContaining("reads at most 5 MiB a second and writes at most 5 MiB a second"),
      fixes: [],
    });
    const ofOther = textOf(inputOutputLines(version, "8:16", mebibyte));
    expect(checkInputOutput(auditFacts({ controllerVersion, config: ofOther }))).toMatchObject({ state: "warning" });
  });

  it("is the kernel's word of what runs, where only one of both is limited, too", () => {
    const config = textOf(inputOutputLines("v2", "8:0", mebibyte));
    const inputOutput = [{ file: "/sys/fs/cgroup/lxc.payload.web/io.max", text: "8:0 rbps=1048576 wbps=max riops=max wiops=max" }];
    expect(checkInputOutput(auditFacts({ config, running: { inputOutput } }))).toMatchObject({
      state: "warning",
      summary: "It can write as fast as the disk can.",
      difference: expect.any(String),
    });
  });

  it("is the smallest of all groups above, and zero is none", () => {
    const files = [
      { file: "a/io.max", text: "8:0 rbps=300 wbps=max" },
      { file: "b/io.max", text: "8:0 rbps=200 wbps=7\n8:16 rbps=1 wbps=1" },
      { file: "c/blkio.throttle.write_bps_device", text: "8:0 0" },
    ];
    expect(limitsIn("8:0", files)).toEqual({ read: 200, write: 7 });
  });

  it("cannot be had where no disk has a name, and says why", () => {
    const rootDisk = rootDiskOf("/proc");
    expect(rootDisk).toEqual({ reason: expect.stringContaining("proc") });
    expect(checkInputOutput(auditFacts({ rootDisk }))).toMatchObject({
      state: "warning",
      summary: expect.stringContaining("cannot be limited"),
      fixes: [],
    });
    expect(checkInputOutput(auditFacts({ controllerVersion: () => undefined }))).toMatchObject({ state: "warning", fixes: [] });
  });
});

describe("the limit of disk space", () => {
  it("is that of a device of its own, and none in a folder of a file system that limits none", async () => {
    expect(await checkDisk(auditFacts({ storage: "lvm" }))).toMatchObject({ state: "ok" });
    expect(await checkDisk(auditFacts({ lxcPath: "/proc" }))).toMatchObject({
      state: "warning",
      summary: expect.stringContaining("does not lie on btrfs"),
    });
  });
});
