/**
 * A helper's worth of parts that makes one busybox container, as a process of its own so that a test can kill it.
 * Arguments: the folder of containers, the folder of the helper's state, the name, in JSON what is asked for otherwise, and before which
 * change of the disk it is to be killed or cancelled.
 */
import { join } from "node:path";
import { methods } from "../contract/methods.ts";
import { toProblem } from "../contract/problems.ts";
import { createJournal } from "../journal.ts";
import { createLocks } from "../locks.ts";
import { createContainerReader } from "../lxc/list.ts";
import { createOperations } from "../lxc/operations.ts";
import { createTasks } from "../tasks.ts";
import { beforeChange, cancelledExitCode, killThisProcess } from "./before-change.ts";

const [lxcPath = "", state = "", name, others = "{}", ends = "killed", fatal] = process.argv.slice(2);
const operations = createOperations({
  lxcPath,
  reader: createContainerReader({ lxcPath }),
  tasks: createTasks(),
  journal: createJournal(join(state, "journal")),
  locks: createLocks(join(state, "locks")),
});
const params = methods["containers.create"].params.parse({
  name,
  source: { type: "template", template: "busybox" },
  unprivileged: false,
  start: false,
  address: "dhcp",
  ...JSON.parse(others),
});
process.stdout.write("begin\n");
const controller = new AbortController();
if (fatal !== undefined) beforeChange(Number(fatal), ends === "killed" ? killThisProcess : () => controller.abort());
operations.create(params, controller.signal).then(
  () => process.stdout.write("done\n"),
  (thrown: unknown) => {
    if (toProblem(thrown).code !== "cancelled") throw thrown;
    process.exitCode = cancelledExitCode;
  },
);
