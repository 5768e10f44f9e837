import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { templateName } from "../contract/methods.ts";
import { listTemplates } from "./templates.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-templates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const install = (...names: string[]) => {
  for (const name of names) writeFileSync(join(folder, `lxc-${name}`), "#!/bin/sh\n", { mode: 0o755 });
};

describe("the templates on offer", () => {
  it("are those that are installed, the one that needs no network first", () => {
    expect(listTemplates(folder)).toEqual([]);
    install("debian", "alpine", "busybox");
    expect(listTemplates(folder).map(({ name }) => name)).toEqual(["busybox", "debian", "alpine"]);
    expect(listTemplates(folder)[0]).toMatchObject({ needsNetwork: false, takesRelease: false });
  });

  it("are only those whose options are known: a template is a script that root runs", () => {
    install("busybox", "mine");
    expect(listTemplates(folder).map(({ name }) => name)).toEqual(["busybox"]);
  });

  it("can be asked for by the names that they have here", () => {
    install("busybox", "debian", "ubuntu", "alpine", "devuan", "kali");
    const names = listTemplates(folder).map(({ name }) => name);
    expect(names).toHaveLength(6);
    for (const name of names) expect(templateName.parse(name)).toBe(name);
  });

  it("say which programs they lack, and nothing of where they were looked for", () => {
    install("busybox", "debian");
    const tools = join(folder, "tools");
    const lacking = new Map(listTemplates(folder, [tools]).map(({ name, missingTools }) => [name, missingTools]));
    expect(lacking.get("busybox")).toEqual(["busybox"]);
    expect(lacking.get("debian")).toContain("debootstrap");
    install("busybox");
    writeFileSync(join(folder, "busybox"), "", { mode: 0o755 });
    expect(listTemplates(folder, [folder])[0]?.missingTools).toEqual([]);
    writeFileSync(join(folder, "debootstrap"), "", { mode: 0o644 });
    expect(listTemplates(folder, [folder])[1]?.missingTools).toContain("debootstrap");
  });
});
