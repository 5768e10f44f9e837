import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shiftFor } from "./convert-owners.ts";
import { NotShiftable, shiftAttribute } from "./owner-attributes.ts";

const range = { first: 1_000_000, count: 65_536 };
const host = { first: 0, count: 65_536 };
const there = shiftFor(host, range, false);
const back = shiftFor(range, host, false);

/** Tags and permissions as the kernel has them: acl(5). */
const acl = (entries: readonly (readonly [tag: number, permissions: number, id: number])[]) => {
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(2);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + 8 * index);
    value.writeUInt16LE(permissions, 6 + 8 * index);
    value.writeUInt32LE(id, 8 + 8 * index);
  }
  return value;
};
const id = fc.integer({ min: 0, max: host.count - 1 });
const permissions = fc.integer({ min: 0, max: 7 });
const named = fc.tuple(fc.constantFrom(0x02, 0x08), permissions, id);
const unnamed = fc.tuple(fc.constantFrom(0x01, 0x04, 0x10, 0x20), permissions, fc.constant(0xffffffff));
const acls = fc.array(fc.oneof(named, unnamed), { maxLength: 40 });
/** struct vfs_cap_data of revision 2: the revision with the flag "effective", four words. */
const capabilities = fc
  .tuple(fc.boolean(), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(([isEffective, words]) => Buffer.concat([Buffer.from([isEffective ? 1 : 0, 0, 0, 2]), words]));

describe("attributes with ids in them", () => {
  it("have the same ids again after there and back, and nothing but the ids is another on the way", () => {
    fc.assert(
      fc.property(acls, fc.constantFrom("system.posix_acl_access" as const, "system.posix_acl_default" as const), (entries, name) => {
        const value = acl(entries);
        const shifted = shiftAttribute(name, value, there);
        expect(shifted).toEqual(acl(entries.map(([tag, may, one]) => [tag, may, one === 0xffffffff ? one : one + range.first])));
        expect(shiftAttribute(name, shifted, back)).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(capabilities, (value) => {
        const shifted = shiftAttribute("security.capability", value, there);
        expect(shifted).toHaveLength(24);
        expect(shifted[3]).toBe(3);
        expect(shifted.readUInt32LE(20)).toBe(range.first);
        expect(shifted.subarray(4, 20)).toEqual(value.subarray(4));
        expect(shiftAttribute("security.capability", shifted, back)).toEqual(value);
      }),
    );
  });

  it("keep the root of a container in the container", () => {
    const nested = Buffer.alloc(24);
    nested.writeUInt32LE(0x03000001);
    nested.writeUInt32LE(5, 20);
    const shifted = shiftAttribute("security.capability", nested, there);
    expect(shifted.readUInt32LE(20)).toBe(range.first + 5);
    expect(shiftAttribute("security.capability", shifted, back)).toEqual(nested);
  });

  it("are refused where an id has no counterpart, or they are none that we know", () => {
    expect(() => shiftAttribute("system.posix_acl_access", acl([[0x02, 7, 70_000]]), there)).toThrow("id 70000");
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom("security.capability" as const, "system.posix_acl_access" as const),
        (bytes, name) => {
          const value = Buffer.from(bytes);
          try {
            expect(shiftAttribute(name, value, there).length).toBeGreaterThan(0);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(NotShiftable);
          }
        },
      ),
    );
  });
});
