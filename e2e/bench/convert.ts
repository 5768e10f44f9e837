import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, median, milliseconds, timed } from "./figures.ts";

const execute = promisify(execFile);
const name = "converted";
const rounds = 15;
const folders = 400;
const filesInFolder = 50;
/** As many as a small Debian has, and as large: 400 MB in 20,000 files. */
const bytesOfFile = 20 * 1024;

/**
 * Making a stopped container unprivileged and privileged again: by other owners, against `chown -R` of a copy of its files, in turns; and by the
 * kernel, by itself. From the request to its answer.
 */
export async function convertFigures(helper: HelperClient, lxcPath: string): Promise<Figure[]> {
  await helper.call("containers.create", {
    name,
    source: { type: "template", template: "busybox" },
    unprivileged: false,
    start: false,
    address: "static",
  });
  const rootfs = join(lxcPath, name, "rootfs");
  for (let folder = 0; folder < folders; folder++) {
    const path = join(rootfs, "srv", String(folder));
    await mkdir(path, { recursive: true });
    const files = Array.from({ length: filesInFolder }, (_, file) => writeFile(join(path, String(file)), Buffer.alloc(bytesOfFile, file)));
    await Promise.all(files);
  }
  const copy = join(lxcPath, ".copy");
  await execute("/usr/bin/cp", ["-a", rootfs, copy]);
  const convert = (to: "unprivileged" | "privileged", way?: "shifted" | "idmapped") =>
    helper.call("security.fix", { name, fix: { check: "user-namespace", to, ...(way && { way }) } });
  const chown = (id: number) => execute("/usr/bin/chown", ["-R", `${id}:${id}`, copy]);
  // What is written later is not to slow the next one.
  const settle = () => execute("/usr/bin/sync", ["-f", lxcPath]);

  const shifted: number[] = [];
  const looked: number[] = [];
  const chowned: number[] = [];
  const mapped: number[] = [];
  await helper.call("security.previewFix", { name, fix: { check: "user-namespace", to: "unprivileged" } });
  for (let round = -1; round < rounds; round++) {
    const look = await timed(() =>
      helper.call("security.previewFix", { name, fix: { check: "user-namespace", to: "unprivileged", way: "shifted" } }),
    );
    await settle();
    const ours = await timed(() => convert("unprivileged", "shifted"));
    await settle();
    const theirs = await timed(() => chown(1_000_000));
    await settle();
    await convert("privileged");
    await chown(0);
    await settle();
    const kernel = await timed(() => convert("unprivileged", "idmapped"));
    await convert("privileged");
    if (round < 0) continue;
    looked.push(look);
    shifted.push(ours);
    chowned.push(theirs);
    mapped.push(kernel);
  }
  const isPrivileged = !/^lxc\.idmap/m.test(await readFile(join(lxcPath, name, "config"), "utf8"));
  if (!isPrivileged) throw new Error("it was to be privileged again");
  await rm(copy, { recursive: true });
  await helper.call("containers.destroy", { name });
  const ratio = median(shifted) / median(chowned);
  return [
    {
      name: `Converting ${folders * filesInFolder} files of 400 MB, against chown -R`,
      ours: milliseconds(median(shifted)),
      theirs: milliseconds(median(chowned)),
      result: `${ratio.toFixed(2)} times (looking alone takes ${milliseconds(median(looked))})`,
      bar: "at most 1.2 times",
      met: ratio <= 1.2,
    },
    {
      name: "Converting by the kernel",
      ours: milliseconds(median(mapped)),
      theirs: "none",
      result: milliseconds(median(mapped)),
      bar: "at most 50 ms",
      met: median(mapped) <= 50,
    },
  ];
}
