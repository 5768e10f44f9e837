/**
 * The extended attribute `security.capability` (linux/capability.h, struct vfs_cap_data): a word with the revision and a flag, pairs
 * of words of what is permitted and inheritable, and in revision 3 the user id that is root where it counts. All little-endian.
 */
const revisionMask = 0xff000000;
const revision2 = 0x02000000;
const revision3 = 0x03000000;
const bytesOfRevision2 = 20;
const bytesOfRevision3 = 24;

/**
 * The same capabilities, for the containers of one range of ids or, without, for the host.
 * @param rootId The host's user id of the container's root.
 * @returns undefined where this is no such attribute.
 */
export function capabilitiesFor(value: Buffer, rootId: number | undefined): Buffer | undefined {
  if (value.length !== bytesOfRevision2 && value.length !== bytesOfRevision3) return undefined;
  const head = value.readUInt32LE(0);
  const revision = (head & revisionMask) >>> 0;
  if (revision !== (value.length === bytesOfRevision2 ? revision2 : revision3)) return undefined;
  const flag = head & ~revisionMask;
  const written = Buffer.alloc(rootId === undefined ? bytesOfRevision2 : bytesOfRevision3);
  value.copy(written, 0, 0, bytesOfRevision2);
  written.writeUInt32LE(((rootId === undefined ? revision2 : revision3) | flag) >>> 0, 0);
  if (rootId !== undefined) written.writeUInt32LE(rootId, bytesOfRevision2);
  return written;
}
