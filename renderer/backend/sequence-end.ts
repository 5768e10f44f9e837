/**
 * Tells whether a terminal's output ends between two of its control sequences and characters, and not inside of one: what is made of it
 * there stands for all of it (ECMA-48, 5.4 and 5.6).
 */
export type SequenceEnd = { add(bytes: Uint8Array): void; isComplete(): boolean };

/** Longer sequences than any that ends by itself soon are taken for complete. */
const keptBytes = 4096;

export function createSequenceEnd(): SequenceEnd {
  let tail = new Uint8Array(0);
  return {
    add(bytes) {
      if (bytes.length >= keptBytes) tail = bytes.slice(-keptBytes);
      else {
        const joined = new Uint8Array(tail.length + bytes.length);
        joined.set(tail);
        joined.set(bytes, tail.length);
        tail = joined.slice(-keptBytes);
      }
    },
    isComplete: () => isCharacterComplete(tail) && isSequenceComplete(tail),
  };
}

const escapeByte = 0x1b;
const bellByte = 0x07;

function isSequenceComplete(tail: Uint8Array): boolean {
  const start = tail.lastIndexOf(escapeByte);
  if (start < 0) return true;
  const [kind, ...rest] = tail.subarray(start + 1);
  if (kind === undefined) return false;
  // CSI: parameters and intermediates, then one final byte.
  if (kind === 0x5b) return rest.some((byte) => byte >= 0x40 && byte <= 0x7e);
  // OSC, DCS, SOS, PM and APC go on to their end, which is the next escape's, or a bell.
  if ([0x5d, 0x50, 0x58, 0x5e, 0x5f].includes(kind)) return rest.includes(bellByte);
  // Others have intermediates and then a final byte.
  return kind >= 0x30 || rest.some((byte) => byte >= 0x30);
}

function isCharacterComplete(tail: Uint8Array): boolean {
  let following = 0;
  while (following < 3 && ((tail.at(-1 - following) ?? 0) & 0xc0) === 0x80) following++;
  const first = tail.at(-1 - following) ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return length === 1 || following >= length - 1;
}
