import { readFileSync } from "node:fs";
import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import type { Figure } from "./figures.ts";

const ticks = 30;
const barMegabytes = 60;

/** The helper's memory while it lists and samples everything: proportional set size (kernel: smaps_rollup), after some ticks. */
export async function helperMemoryFigures(helper: HelperClient, running: number): Promise<Figure[]> {
  await helper.call("containers.watch", {});
  let seen = 0;
  const enough = new Promise<void>((resolve) => {
    helper.on("metrics.tick", ({ samples, unchanged }) => {
      if (samples.length + unchanged.length < running) return;
      seen++;
      if (seen === ticks) resolve();
    });
  });
  await helper.call("metrics.watch", { containers: "running", intervalMilliseconds: 500 });
  await enough;
  const bytes = proportionalSetBytes(helper.pid);
  await helper.call("metrics.watch", { containers: [], intervalMilliseconds: 500 });
  await helper.call("containers.unwatch", {});
  const megabytes = bytes / 1e6;
  return [
    {
      name: `Memory of the helper (PSS), ${running} running containers watched and sampled`,
      ours: `${megabytes.toFixed(1)} MB`,
      theirs: "",
      result: `${((megabytes / barMegabytes) * 100).toFixed(0)} % of the bar`,
      bar: `under ${barMegabytes} MB`,
      met: megabytes < barMegabytes,
    },
  ];
}

function proportionalSetBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(match?.[1]) * 1024;
}
