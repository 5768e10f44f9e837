import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { basename, join } from "node:path";

/**
 * The file in which DHCP clients write down name servers, of a read-only system. They put another file in its place, which they could not do
 * with one that is mounted, so it becomes a link into a folder that stays writable. Without one Debian's dhclient waits for ever, and with it
 * the start of the network (`wait_for_rw` of its dhclient-script).
 */
export const nameServersPath = "/etc/resolv.conf";
/** Where that folder is mounted, below the root: in /run, which every system has writable. */
export const nameServersFolder = "run/lxc-desktop";

const fileName = basename(nameServersPath);
const target = `/${nameServersFolder}/${fileName}`;

/** Whether it is a file of its own folder, or can become one. @param etc The folder that it lies in. */
export function canMoveNameServers(etc: string): boolean {
  return lstatSync(join(etc, fileName), { throwIfNoEntry: false })?.isFile() ?? true;
}

/**
 * Puts the link in the place of the file, which goes into a folder of its own.
 * @param etc The folder that it lies in, of a container that does not run.
 * @param volume That folder; one that a container has left things in may be there.
 * @throws Error where something else is there.
 */
export function moveNameServersOut(etc: string, volume: string): void {
  const file = join(etc, fileName);
  if (!canMoveNameServers(etc)) throw new Error(`${nameServersPath} is no file in it any more.`);
  const { uid, gid } = lstatSync(etc);
  mkdirSync(volume, { recursive: true });
  chownSync(volume, uid, gid);
  chmodSync(volume, 0o755);
  if (existsSync(file)) renameSync(file, join(volume, fileName));
  symlinkSync(target, file);
  lchownSync(file, uid, gid);
}

/** Takes that back, also where it was done only half. What else the container has put into the folder is thrown away where it is no folder. */
export function moveNameServersBack(etc: string, volume: string): void {
  const [file, kept] = [join(etc, fileName), join(volume, fileName)];
  const there = lstatSync(file, { throwIfNoEntry: false });
  const isOurs = there?.isSymbolicLink() === true && readlinkSync(file) === target;
  const keeps = lstatSync(kept, { throwIfNoEntry: false })?.isDirectory() === false;
  // The file takes the link's place in one step.
  if (keeps && (there === undefined || isOurs)) renameSync(kept, file);
  else if (isOurs) unlinkSync(file);
  if (lstatSync(volume, { throwIfNoEntry: false }) === undefined) return;
  for (const entry of readdirSync(volume, { withFileTypes: true })) if (!entry.isDirectory()) unlinkSync(join(volume, entry.name));
  try {
    rmdirSync(volume);
  } catch {
    // It holds folders of the container's, which do no harm there.
  }
}
