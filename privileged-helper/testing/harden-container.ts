/**
 * A helper's worth of parts that makes a fix of a container, or takes it back, as a process of its own so that a test can kill it.
 * Arguments: the folder of containers, the folder of the helper's state, the name, in JSON the fix, `fix` or `undo`, and before which
 * change of the disk or start of a program it is killed.
 */
import { join } from "node:path";
import { securityFix } from "../contract/security.ts";
import { createJournal } from "../journal.ts";
import { createLocks } from "../locks.ts";
import { createContainerReader } from "../lxc/list.ts";
import { createOperations } from "../lxc/operations.ts";
import { createTasks } from "../tasks.ts";
import { beforeChange, killThisProcess } from "./before-change.ts";

const [lxcPath = "", state = "", name = "", given = "", way, fatal] = process.argv.slice(2);
const operations = createOperations({
  lxcPath,
  reader: createContainerReader({ lxcPath }),
  tasks: createTasks(),
  journal: createJournal(join(state, "journal")),
  locks: createLocks(join(state, "locks")),
});
const fix = securityFix.parse(JSON.parse(given));
const { signal } = new AbortController();
beforeChange(Number(fatal), killThisProcess);
void (way === "undo" ? operations.soften(name, fix.check, signal) : operations.harden({ name, fix, mayWeaken: false }, signal));
