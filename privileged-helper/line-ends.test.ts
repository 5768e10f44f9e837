import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineEnds } from "./line-ends.ts";

/** What a terminal with ONLCR makes of what is written to it. */
const asPrinted = (text: string) => text.replaceAll("\n", "\r\n");

describe("ends of lines", () => {
  it("come out as they were written, wherever the stream is cut", () => {
    const text = fc.string({ unit: fc.constantFrom("\r", "\n", "a", "é"), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 7 })), (written, sizes) => {
        const printed = Buffer.from(asPrinted(written));
        const lineEnds = createLineEnds();
        const got: Uint8Array[] = [];
        let at = 0;
        for (const size of [...sizes, printed.length]) {
          got.push(Uint8Array.from(lineEnds.undo(Buffer.from(printed.subarray(at, at + size)))));
          at += size;
        }
        got.push(lineEnds.release());
        expect(Buffer.concat(got).toString()).toBe(written);
      }),
    );
  });

  it("hold back only a CR that may be the terminal's own", () => {
    const lineEnds = createLineEnds();
    expect(lineEnds.undo(Buffer.from("50 %\r")).toString()).toBe("50 %");
    expect(lineEnds.holds()).toBe(true);
    expect(Buffer.from(lineEnds.release()).toString()).toBe("\r");
    expect(lineEnds.holds()).toBe(false);
    expect(lineEnds.release()).toHaveLength(0);
    expect(lineEnds.undo(Buffer.from("51 %")).toString()).toBe("51 %");
    expect(lineEnds.holds()).toBe(false);
  });
});
