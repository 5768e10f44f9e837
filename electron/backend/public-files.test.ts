import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readPublicFiles } from "./public-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-public-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("has the built page's own files, and nothing that a link leads to or that a page has no use for", () => {
  const page = join(folder, "page");
  const others = join(folder, "others");
  for (const one of [join(page, "assets"), others]) mkdirSync(one, { recursive: true });
  for (const path of ["page/index.html", "page/assets/main.js", "page/assets/main.js.map", "page/.env", "others/private.js"]) {
    writeFileSync(join(folder, path), path);
  }
  symlinkSync(join(others, "private.js"), join(page, "linked.js"));
  symlinkSync(others, join(page, "linked"));
  const files = readPublicFiles(page);
  expect([...files.keys()].sort()).toEqual(["/assets/main.js", "/index.html"]);
  expect(String(files.get("/index.html")?.body)).toBe("page/index.html");
});
