import headless from "@xterm/headless";
import { expect, it } from "vitest";
import { bufferText } from "./buffer-text.ts";
import { limitSequences } from "./sequence-limits.ts";

function openTerminal() {
  const terminal = new headless.Terminal({ cols: 20, rows: 5, allowProposedApi: true });
  limitSequences(terminal.parser as unknown as Parameters<typeof limitSequences>[0]);
  const write = (text: string) => new Promise<string>((resolve) => terminal.write(text, () => resolve(bufferText(terminal.buffer.active))));
  return { terminal, write };
}

it("sequences that would be repeated two thousand million times do nothing, and what follows is shown", async () => {
  const { write } = openTerminal();
  for (const final of ["S", "T", "L", "M", "I", "Z", "b"]) {
    expect(await write(`\x1bc${final}x\x1b[2147483647${final}y`)).toBe(`${final}xy\n`);
  }
});

it("those that programs use work", async () => {
  const { write } = openTerminal();
  expect(await write("a\x1b[3bb")).toBe("aaaab\n");
  expect(await write("\x1bcone\r\ntwo\x1b[1;1H\x1b[1L")).toBe("\none\ntwo\n");
  expect(await write("\x1bcone\r\ntwo\x1b[1;1H\x1b[M")).toBe("two\n");
});

it("text is saved as it was written: wrapped lines in one piece, wide characters whole", async () => {
  const { write } = openTerminal();
  expect(await write("a line that is longer than the screen\r\n漢字 😀\r\n\r\nend\r\n\r\n")).toBe(
    "a line that is longer than the screen\n漢字 😀\n\nend\n",
  );
});
