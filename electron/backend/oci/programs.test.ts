import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { programPath } from "./programs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-programs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("finds a program by its absolute path, and says what is missed where there is none", () => {
  const path = join(folder, "skopeo");
  const find = () => {
    try {
      return programPath("skopeo", [join(folder, "none"), folder]);
    } catch (error) {
      return toProblem(error);
    }
  };
  expect(find()).toEqual({ code: "tool-missing", tool: "skopeo", neededFor: "images of Docker and OCI" });
  writeFileSync(path, "", { mode: 0o644 });
  expect(find()).toMatchObject({ code: "tool-missing" });
  rmSync(path);
  writeFileSync(path, "", { mode: 0o755 });
  expect(find()).toBe(path);
});
