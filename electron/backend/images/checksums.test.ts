import { expect, it } from "vitest";
import { parseChecksums } from "./checksums.ts";

const hash = "0123456789abcdef".repeat(4);

it("reads what sha256sum writes, in text and binary mode", () => {
  const text = `${hash}  meta.tar.xz\r\n${hash.toUpperCase()} *rootfs.tar.xz\n`;
  expect([...parseChecksums(text)]).toEqual([
    ["meta.tar.xz", hash],
    ["rootfs.tar.xz", hash],
  ]);
});

it("reads nothing else", () => {
  for (const line of [`${hash} meta.tar.xz`, `${hash}  ../meta.tar.xz`, `${hash.slice(1)}  meta.tar.xz`, `${hash}  a b`, "<html>", ""]) {
    expect(parseChecksums(line).size, line).toBe(0);
  }
});
