import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, median, milliseconds, timed } from "./figures.ts";
import { lxc } from "./tools.ts";

const rounds = 25;

/** From the click to a running overlay clone: one call to the helper, against lxc-copy -s and lxc-start in a shell, in turns. */
export async function clickToRunningFigures(helper: HelperClient, lxcPath: string, base: string): Promise<Figure[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const byHelper = await timed(() =>
      helper.call("containers.create", {
        name: "ours",
        source: { type: "clone", from: base },
        unprivileged: true,
        start: true,
        address: "static",
      }),
    );
    await helper.call("containers.forceStop", { name: "ours" });
    await helper.call("containers.destroy", { name: "ours" });
    const raw = await timed(async () => {
      await lxc("lxc-copy", "-n", base, "-N", "theirs", "-s", "-B", "overlayfs", "-P", lxcPath);
      await lxc("lxc-start", "-n", "theirs", "-P", lxcPath);
    });
    await lxc("lxc-stop", "-k", "-n", "theirs", "-P", lxcPath);
    await lxc("lxc-destroy", "-n", "theirs", "-P", lxcPath);
    if (round < 0) continue;
    ours.push(byHelper);
    theirs.push(raw);
  }
  const allowed = median(theirs) * 1.25 + 5;
  return [
    {
      name: "Click to running, overlay clone, against lxc-copy -s and lxc-start",
      ours: milliseconds(median(ours)),
      theirs: milliseconds(median(theirs)),
      result: `${(median(ours) / median(theirs)).toFixed(2)} times`,
      bar: `at most 1.25 times and 5 ms (${milliseconds(allowed)})`,
      met: median(ours) <= allowed,
    },
  ];
}
