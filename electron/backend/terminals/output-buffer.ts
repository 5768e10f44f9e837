/** The newest output of a terminal, in blocks, so that thousands of single characters cost no more than a page of text. */
export type OutputBuffer = {
  append(bytes: Uint8Array): void;
  /** Gives up what comes before this place in the whole output. A place that is not here yet or any more changes nothing. */
  dropBefore(offset: number): void;
  /** Gives up whole blocks, the oldest first, until there are at most so many bytes. */
  dropTo(bytes: number): void;
  /** All that is here from this place on, in order; valid until the next call that changes something. */
  from(offset: number): Uint8Array[];
  /** Where the first byte that is here lies in the whole output, and where the next one will. */
  start(): number;
  end(): number;
};

const blockBytes = 64 * 1024;

export function createOutputBuffer(): OutputBuffer {
  const blocks: { bytes: Uint8Array; offset: number; used: number }[] = [];
  let start = 0;
  let end = 0;
  const forgetUsed = () => {
    for (let [first] = blocks; first && first.offset + first.used <= start && first.used === blockBytes; [first] = blocks) blocks.shift();
  };
  return {
    append(bytes) {
      for (let at = 0; at < bytes.byteLength; ) {
        let last = blocks.at(-1);
        if (!last || last.used === blockBytes) {
          last = { bytes: new Uint8Array(blockBytes), offset: end, used: 0 };
          blocks.push(last);
        }
        const taken = bytes.subarray(at, at + blockBytes - last.used);
        last.bytes.set(taken, last.used);
        last.used += taken.byteLength;
        at += taken.byteLength;
        end += taken.byteLength;
      }
    },
    dropBefore(offset) {
      if (offset <= start || offset > end) return;
      start = offset;
      forgetUsed();
    },
    dropTo(bytes) {
      while (end - start > bytes && blocks[0]?.used === blockBytes) {
        start = blocks[0].offset + blockBytes;
        forgetUsed();
      }
    },
    from: (offset) =>
      blocks
        .map((block) => block.bytes.subarray(Math.max(0, Math.max(offset, start) - block.offset), block.used))
        .filter(({ byteLength }) => byteLength > 0),
    start: () => start,
    end: () => end,
  };
}
