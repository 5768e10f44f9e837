/**
 * A helper's worth of parts that makes an image of an archive, as a process of its own so that a test can kill it.
 * Arguments: the folder of containers, the folder of the helper's state, the archive, and which change of the disk is not to be made any
 * more.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createChannels } from "../channels.ts";
import { methods } from "../contract/methods.ts";
import { createJournal } from "../journal.ts";
import { createLocks } from "../locks.ts";
import { createContainerReader } from "../lxc/list.ts";
import { createOperations } from "../lxc/operations.ts";
import { uploadsFolderOf } from "../lxc/state-folder.ts";
import { createTasks } from "../tasks.ts";
import { createUploads } from "../uploads.ts";
import { beforeChange, killThisProcess } from "./before-change.ts";
import { sendFile } from "./send-file.ts";

const [lxcPath = "", state = "", path = "", fatal] = process.argv.slice(2);
const operations = createOperations({
  lxcPath,
  reader: createContainerReader({ lxcPath }),
  tasks: createTasks(),
  journal: createJournal(join(state, "journal")),
  locks: createLocks(join(state, "locks")),
});
const written = new Map<number, number>();
const uploads = createUploads({
  directory: uploadsFolderOf(lxcPath),
  nextChannel: createChannels(),
  onWritten: (channel, bytes) => void written.set(channel, bytes),
});

async function importArchive() {
  if (fatal !== undefined) beforeChange(Number(fatal), killThisProcess);
  const rootfs = await sendFile(path, uploads, written);
  const params = methods["images.import"].params.parse({
    title: "Killed",
    origin: "archive",
    rootfs,
    sha256: { rootfs: createHash("sha256").update(readFileSync(path)).digest("hex") },
    unprivileged: true,
  });
  await operations.importImage(params, uploads, new AbortController().signal);
}
void importArchive();
