/** `npm run bench`: each figure measured beside what it is compared with, in one run, on real containers. As root. */
import { spawnSync } from "node:child_process";
import { startHelper } from "../../privileged-helper/testing/helper-client.ts";
import { appWindowFigures } from "./app-window.ts";
import { auditFigures } from "./audit.ts";
import { clickToReachableFigures } from "./click-to-reachable.ts";
import { clickToRunningFigures } from "./click-to-running.ts";
import { convertFigures } from "./convert.ts";
import { downloadFigures } from "./download.ts";
import { type Figure, printFigures } from "./figures.ts";
import { helperMemoryFigures } from "./helper-memory.ts";
import { historyFigures } from "./history.ts";
import { imageToRunningFigures } from "./image-to-running.ts";
import { pageMetricsFigures } from "./page-metrics.ts";
import { refreshFigures } from "./refresh.ts";
import { samplingFigures } from "./sampling.ts";
import { terminalFigures } from "./terminal.ts";
import { coverLxcPath, enterMountNamespace, removeContainers } from "./tools.ts";

const containers = 50;
const base = "base";
/** How long the page is watched for memory that it does not give back. */
const minutesOfMemory = Number(process.env.LXC_DESKTOP_BENCH_MINUTES ?? 10);

if (process.getuid?.() !== 0) {
  console.error("The bench makes real containers: run it as root.");
  process.exit(2);
}
// The app shows LXC's own folder of containers; here that is an empty one, which nobody else sees.
enterMountNamespace();
const build = spawnSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
if (build.status !== 0) process.exit(1);

const { lxcPath, uncover } = coverLxcPath();
const helper = startHelper("dist/helper/main.cjs", lxcPath);
const figures: Figure[] = [];
try {
  console.log("Download...");
  figures.push(...(await downloadFigures()));
  await helper.call("containers.create", {
    name: base,
    source: { type: "template", template: "busybox" },
    unprivileged: true,
    start: false,
    address: "static",
  });
  console.log("Click to running...");
  figures.push(...(await clickToRunningFigures(helper, lxcPath, base)));
  console.log("Image to running...");
  figures.push(...(await imageToRunningFigures(helper, lxcPath, base)));
  console.log("Click to reachable...");
  figures.push(...(await clickToReachableFigures(helper, lxcPath, base)));
  console.log("Converting...");
  figures.push(...(await convertFigures(helper, lxcPath)));
  console.log("Terminals...");
  figures.push(...(await terminalFigures(lxcPath, base)));
  console.log(`Starting ${containers} containers...`);
  for (let number = 1; number <= containers; number++) {
    await helper.call("containers.create", {
      name: `clone-${number}`,
      source: { type: "clone", from: base },
      unprivileged: true,
      start: true,
      address: "static",
    });
  }
  console.log("Refresh...");
  figures.push(...(await refreshFigures(helper, lxcPath)));
  console.log("Sampling...");
  figures.push(...(await samplingFigures(helper, lxcPath, containers)));
  console.log("Memory...");
  figures.push(...(await helperMemoryFigures(helper, containers)));
  console.log("Audit...");
  figures.push(...(await auditFigures(helper, "clone-1", containers)));
  console.log("History...");
  figures.push(...(await historyFigures(containers)));
  console.log("Page of metrics...");
  figures.push(...(await pageMetricsFigures(minutesOfMemory)));
  console.log("Windows...");
  figures.push(...(await appWindowFigures(containers)));
} finally {
  // Through the helper first: it takes back the addresses that it reserved.
  for (const { name } of (await helper.call("containers.watch", {})).containers.toSorted((a) => (a.name === base ? 1 : -1))) {
    await helper.call("containers.forceStop", { name }).catch(() => {});
    await helper.call("containers.destroy", { name }).catch(() => {});
  }
  await helper.close();
  await removeContainers(lxcPath);
  uncover();
  printFigures(figures);
}
if (figures.some((figure) => !figure.met)) process.exitCode = 1;
