/**
 * A helper's worth of parts that converts one container, as a process of its own so that a test can kill it.
 * Arguments: the folder of containers, the folder of the helper's state, the name, in JSON the fix, and before which change of the disk it is
 * to be killed.
 */
import { join } from "node:path";
import { securityFix } from "../contract/security.ts";
import { createJournal } from "../journal.ts";
import { createLocks } from "../locks.ts";
import { createContainerReader } from "../lxc/list.ts";
import { createOperations } from "../lxc/operations.ts";
import { createTasks } from "../tasks.ts";
import { beforeChange, killThisProcess } from "./before-change.ts";

const [lxcPath = "", state = "", name = "", fix = "", fatal = "0"] = process.argv.slice(2);
const operations = createOperations({
  lxcPath,
  reader: createContainerReader({ lxcPath }),
  tasks: createTasks(),
  journal: createJournal(join(state, "journal")),
  locks: createLocks(join(state, "locks")),
});
beforeChange(Number(fatal), killThisProcess);
void operations.harden({ name, fix: securityFix.parse(JSON.parse(fix)), mayWeaken: true }, new AbortController().signal);
