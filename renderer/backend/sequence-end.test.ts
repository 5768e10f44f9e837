import { expect, it } from "vitest";
import { createSequenceEnd } from "./sequence-end.ts";

const encoder = new TextEncoder();
const whole = [
  "",
  "text",
  "\u001b[31m",
  "\u001b[?2004h$ ",
  "é",
  "€",
  "🙂",
  "\u001b]0;title\u0007",
  "\u001b]8;;https://a.example\u001b\\",
  "\u001bP1$r\u001b\\",
  "\u001b7",
  "\u001b(B",
];

it.each(whole)("tells that %j is complete, and that no beginning of its last sequence is", (text) => {
  const bytes = encoder.encode(text);
  const all = createSequenceEnd();
  // In pieces of one byte, as it may come.
  for (const byte of bytes) all.add(Uint8Array.of(byte));
  expect(all.isComplete()).toBe(true);
});

it.each(["\u001b", "\u001b[", "\u001b[3", "\u001b[?2004", "\u001b]0;tit", "\u001bP1", "\u001b(", "\u001b]8;;https://a.example\u001b"])(
  "tells that %j is not complete",
  (text) => {
    const end = createSequenceEnd();
    end.add(encoder.encode(`before ${text}`));
    expect(end.isComplete()).toBe(false);
  },
);

it.each(["é", "€", "🙂"])("tells that %s is not complete without its last byte", (text) => {
  const end = createSequenceEnd();
  end.add(encoder.encode(text).slice(0, -1));
  expect(end.isComplete()).toBe(false);
});

it("forgets what is long ago", () => {
  const end = createSequenceEnd();
  end.add(encoder.encode("\u001b]0;"));
  end.add(encoder.encode("x".repeat(10_000)));
  expect(end.isComplete()).toBe(true);
});
