import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameReader, decodeMessage, encodeFrame, encodeMessage, FrameError, maxMessageBytes, maxRequestBytes } from "./frames.ts";

const message = fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.uint8Array({ maxLength: 300 }));

function readAll(chunks: Uint8Array[], maxBytes?: number): { channel: number; payload: number[] }[] {
  const got: { channel: number; payload: number[] }[] = [];
  const read = createFrameReader((bytes) => {
    const { channel, payload } = decodeMessage(bytes);
    got.push({ channel, payload: [...payload] });
  }, maxBytes);
  for (const chunk of chunks) read(chunk);
  return got;
}

function join(parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("frames", () => {
  it("come out as they went in at every split point of a stream", () => {
    const sent = [
      [0, new Uint8Array([1, 2, 3])],
      [7, new Uint8Array()],
      [0xffffffff, new Uint8Array(70)],
    ] as const;
    const stream = join(sent.map(([channel, payload]) => encodeFrame(encodeMessage(channel, payload))));
    const expected = sent.map(([channel, payload]) => ({ channel, payload: [...payload] }));
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        expect(readAll([stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)])).toEqual(expected);
      }
    }
  });

  it("come out as they went in under random splitting and coalescing", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 200 })), (messages, sizes) => {
        const stream = join(messages.map(([channel, payload]) => encodeFrame(encodeMessage(channel, payload))));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of [...sizes, stream.length]) {
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(readAll(chunks)).toEqual(messages.map(([channel, payload]) => ({ channel, payload: [...payload] })));
      }),
    );
  });

  it("are copies: reusing the input buffer does not change a message already given", () => {
    const chunk = encodeFrame(encodeMessage(1, new Uint8Array([5])));
    const got: Uint8Array[] = [];
    createFrameReader((bytes) => got.push(bytes))(chunk);
    chunk.fill(0);
    expect(decodeMessage(got[0] as Uint8Array).payload).toEqual(new Uint8Array([5]));
  });

  it.each([0, 1, 3, maxRequestBytes + 1, 0x7fffffff, 0xffffffff])("refuse a length of %i, and everything after it", (length) => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, length);
    const read = createFrameReader(() => {
      throw new Error("no message expected");
    }, maxRequestBytes);
    expect(() => read(header)).toThrow(FrameError);
    expect(() => read(encodeFrame(encodeMessage(0, new Uint8Array([1]))))).toThrow(FrameError);
  });

  it("never give a message before all of it is there", () => {
    const frame = encodeFrame(encodeMessage(3, new Uint8Array(100)));
    expect(readAll([frame.subarray(0, frame.length - 1)])).toEqual([]);
  });

  it("survive random bytes: a message or a FrameError, nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
        const read = createFrameReader((bytes) => expect(bytes.length).toBeLessThanOrEqual(1024), 1024);
        try {
          for (const chunk of chunks) read(chunk);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are not made above the cap, and a message without a channel is refused", () => {
    expect(() => encodeFrame(new Uint8Array(maxMessageBytes + 1))).toThrow(FrameError);
    expect(() => decodeMessage(new Uint8Array(3))).toThrow(FrameError);
    expect(() => decodeMessage(new Uint8Array(100), 50)).toThrow(FrameError);
  });
});
