import { capabilitiesFor } from "./capability-attribute.ts";

/** What becomes of a user or group id of the host; undefined where there is no counterpart. */
export type IdShift = (id: number) => number | undefined;

/** Extended attributes that have ids of the host in them (xattr(7)). */
export const ownerAttributes = ["security.capability", "system.posix_acl_access", "system.posix_acl_default"] as const;
export type OwnerAttribute = (typeof ownerAttributes)[number];

/** An attribute names an id without a counterpart, or is of a kind that is not known. */
export class NotShiftable extends Error {}

const aclVersion = 2;
const aclHeaderBytes = 4;
const aclEntryBytes = 8;
/** Entries of one user and of one group; those of the owner, the mask and all others have no id. */
const aclUser = 0x02;
const aclGroup = 0x08;
const bytesOfCapabilityRevision3 = 24;

/**
 * The same attribute for other owners.
 * @throws NotShiftable
 */
export function shiftAttribute(name: OwnerAttribute, value: Buffer, shift: IdShift): Buffer {
  return name === "security.capability" ? shiftCapabilities(value, shift) : shiftAcl(value, shift);
}

/** linux/posix_acl_xattr.h: a word with the version, and entries of a tag, what it permits, and an id. All little-endian. */
function shiftAcl(value: Buffer, shift: IdShift): Buffer {
  const isAcl =
    value.length >= aclHeaderBytes && (value.length - aclHeaderBytes) % aclEntryBytes === 0 && value.readUInt32LE(0) === aclVersion;
  if (!isAcl) throw new NotShiftable("an access list of an unknown kind");
  const shifted = Buffer.from(value);
  for (let at = aclHeaderBytes; at < value.length; at += aclEntryBytes) {
    const tag = value.readUInt16LE(at);
    if (tag !== aclUser && tag !== aclGroup) continue;
    shifted.writeUInt32LE(shiftId(value.readUInt32LE(at + 4), shift, "its access list names"), at + 4);
  }
  return shifted;
}

/** Without an id of its own, the root that it counts for is the host's. */
function shiftCapabilities(value: Buffer, shift: IdShift): Buffer {
  const rootId = value.length === bytesOfCapabilityRevision3 ? value.readUInt32LE(bytesOfCapabilityRevision3 - 4) : 0;
  const shiftedRoot = shiftId(rootId, shift, "its capabilities are for");
  const shifted = capabilitiesFor(value, shiftedRoot === 0 ? undefined : shiftedRoot);
  if (!shifted) throw new NotShiftable("capabilities of an unknown kind");
  return shifted;
}

function shiftId(id: number, shift: IdShift, what: string): number {
  const shifted = shift(id);
  if (shifted === undefined) throw new NotShiftable(`${what} id ${id}`);
  return shifted;
}
