import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { maxUnwrittenBytes } from "../../privileged-helper/contract/events.ts";
import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, median, milliseconds, timed } from "./figures.ts";
import { lxc } from "./tools.ts";

const rounds = 25;
const together = 10;
const roundsTogether = 5;

/**
 * From a ready image to running containers, one and ten at once, against what LXC has for that: lxc-copy -s of a container with the
 * same files and lxc-start, in turns.
 */
export async function imageToRunningFigures(helper: HelperClient, lxcPath: string, base: string): Promise<Figure[]> {
  const image = await importRootfs(helper, join(lxcPath, base, "rootfs"));
  try {
    const one = await compare(rounds, ["ours"], ["theirs"]);
    const names = (word: string) => Array.from({ length: together }, (_, number) => `${word}-${number + 1}`);
    const ten = await compare(roundsTogether, names("ours"), names("theirs"));
    const allowed = one.theirs * 1.25;
    const rate = ten.theirs / ten.ours;
    return [
      {
        name: "Ready image to running, against lxc-copy -s and lxc-start",
        ours: milliseconds(one.ours),
        theirs: milliseconds(one.theirs),
        result: `${(one.ours / one.theirs).toFixed(2)} times`,
        bar: "at most 1.25 times",
        met: one.ours <= allowed,
      },
      {
        name: `${together} containers of it at once, against the same side by side`,
        ours: milliseconds(ten.ours),
        theirs: milliseconds(ten.theirs),
        result: `${rate.toFixed(2)} of the rate`,
        bar: "at least 0.8",
        met: rate >= 0.8,
      },
    ];
  } finally {
    await helper.call("images.delete", { image });
  }

  /** Medians, milliseconds. */
  async function compare(count: number, ours: readonly string[], theirs: readonly string[]) {
    const byHelper: number[] = [];
    const raw: number[] = [];
    for (let round = -1; round < count; round++) {
      const [mine, other] = [await timed(() => atOnce(ours, create)), await timed(() => atOnce(theirs, createRaw))];
      for (const name of ours) {
        await helper.call("containers.forceStop", { name });
        await helper.call("containers.destroy", { name });
      }
      for (const name of theirs) {
        await lxc("lxc-stop", "-k", "-n", name, "-P", lxcPath);
        await lxc("lxc-destroy", "-n", name, "-P", lxcPath);
      }
      if (round < 0) continue;
      byHelper.push(mine);
      raw.push(other);
    }
    return { ours: median(byHelper), theirs: median(raw) };
  }
  function create(name: string) {
    return helper.call("containers.create", {
      name,
      source: { type: "image", image },
      unprivileged: true,
      start: true,
      address: "static",
    });
  }
  async function createRaw(name: string) {
    await lxc("lxc-copy", "-n", base, "-N", name, "-s", "-B", "overlayfs", "-P", lxcPath);
    await lxc("lxc-start", "-n", name, "-P", lxcPath);
  }
}

const atOnce = (names: readonly string[], work: (name: string) => Promise<unknown>) => Promise.all(names.map(work));

/** The files of a container as an image that somebody brings. @returns Its id. */
async function importRootfs(helper: HelperClient, rootfs: string): Promise<string> {
  const bytes = execFileSync("/usr/bin/tar", ["-c", "--owner=0", "--group=0", "--exclude=./dev/*", "-C", rootfs, "."], {
    maxBuffer: 1024 ** 3,
  });
  const { channel } = await helper.call("uploads.open", { bytes: bytes.length });
  let written = 0;
  let wake = () => {};
  helper.on("uploads.written", (told) => {
    if (told.channel === channel) written = told.bytes;
    wake();
  });
  const pieceBytes = 128 * 1024;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    while (at + pieceBytes - written > maxUnwrittenBytes) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    helper.sendData(channel, bytes.subarray(at, at + pieceBytes));
  }
  const sha256 = { rootfs: createHash("sha256").update(bytes).digest("hex") };
  const { image } = await helper.call("images.import", { title: "Bench", origin: "archive", rootfs: channel, sha256, unprivileged: true });
  return image;
}
