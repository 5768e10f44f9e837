import headless from "@xterm/headless";
import { expect, it, vi } from "vitest";

// Of a Buffer the addon reads the wrong bytes; in a page, where there is none, it takes another way.
vi.stubGlobal("Buffer", undefined);
const { measureGraphemes, mostInOnePlace } = await import("./unicode-widths.ts");
vi.unstubAllGlobals();

async function cellsOf(text: string) {
  const terminal = new headless.Terminal({ cols: 20, rows: 3, allowProposedApi: true });
  measureGraphemes(terminal as unknown as Parameters<typeof measureGraphemes>[0]);
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const line = terminal.buffer.active.getLine(0);
  return Array.from({ length: 20 }, (_, x) => ({ text: line?.getCell(x)?.getChars() ?? "", width: line?.getCell(x)?.getWidth() }));
}

it("emoji of several characters take two places, and marks none", async () => {
  expect((await cellsOf("👩‍👩‍👧‍👦x"))[0]).toEqual({ text: "👩‍👩‍👧‍👦", width: 2 });
  expect((await cellsOf("👩‍👩‍👧‍👦x"))[2]).toEqual({ text: "x", width: 1 });
  expect((await cellsOf("e\u0301x")).slice(0, 2)).toEqual([
    { text: "e\u0301", width: 1 },
    { text: "x", width: 1 },
  ]);
});

it("no place has more than so many, however many marks are written on a letter", async () => {
  const marks = "\u0301".repeat(100_000);
  for (const { text } of await cellsOf(`e${marks}`)) expect(text.length).toBeLessThanOrEqual(mostInOnePlace);
  expect((await cellsOf(`e${marks.slice(0, 5)}`))[0]?.text).toBe(`e${marks.slice(0, 5)}`);
});
