import { expect, it } from "vitest";
import { createPlainText } from "./plain-text.ts";

const plain = (...chunks: (string | Uint8Array)[]) => {
  const text = createPlainText();
  return chunks.map((chunk) => text.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk)).join("");
};

it("keeps text, line ends and tabs as they are", () => {
  expect(plain("systemd[1]: Starting…\n\tdone – ✓\n")).toBe("systemd[1]: Starting…\n\tdone – ✓\n");
});

it("makes a line end of what a terminal takes for one", () => {
  expect(plain("a\r\nb\r\r\nc\rd\n")).toBe("a\nb\nc\nd\n");
  expect(plain("a\r", "\nb")).toBe("a\nb");
});

it("removes colours, cursor movements, titles and character sets", () => {
  expect(plain("[\u001b[0;32m  OK  \u001b[0m] up\u001b[2K\u001b[?25l\u001b(B\u001b7.")).toBe("[  OK  ] up.");
  expect(plain("a\u001b]0;owned\u0007b\u001b]8;;http://x/\u001b\\c\u001bP1$r0m\u001b\\d")).toBe("abcd");
  expect(plain("\u009b31mred")).toBe("red");
});

it("removes a sequence wherever it is cut into pieces", () => {
  const text = "[\u001b[0;32mOK\u001b[0m] \u001b]0;title\u001b\\é\r\n";
  const bytes = Buffer.from(text);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(plain(bytes.subarray(0, cut), bytes.subarray(cut))).toBe("[OK] é\n");
  }
});

it("shows other control characters, reversed text and broken characters as replaced", () => {
  expect(plain("a\u0000b\u0008c\u007fd\u202ee\u2066f\u200fg")).toBe("a�b�c�d�e�f�g");
  expect(plain(Uint8Array.of(0x61, 0xff, 0x62))).toBe("a�b");
});

it("lets no sequence without an end swallow the lines after it", () => {
  expect(plain("\u001b]0;title\nnext line\n")).toBe("�]0;title\nnext line\n");
  const long = `\u001b]0;${"x".repeat(2000)}`;
  expect(plain(long, "\nnext\n")).toContain("\nnext\n");
});
