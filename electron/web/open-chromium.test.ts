import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

vi.stubGlobal("PAGE_SKELETON", "");
const { openChromium } = await import("./open-chromium.ts");

let folder: string;
let program: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-browser-"));
  program = join(folder, "browser");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A browser that writes down what it was called with, and stays. */
function install(script: string) {
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" >${folder}/unfinished; mv ${folder}/unfinished ${folder}/arguments; ${script}\n`);
  chmodSync(program, 0o755);
}
async function argumentsOf(): Promise<string[]> {
  await vi.waitUntil(() => existsSync(join(folder, "arguments")), { timeout: 10_000 });
  return readFileSync(join(folder, "arguments"), "utf8").split("\n");
}

describe("the window of the app", () => {
  it("is led to an address that nobody else can read, and leaves no file behind", async () => {
    install("exec sleep 600");
    const address = `http://x.localhost:1/#${"a1".repeat(32)}`;
    const window = openChromium(program);
    const given = await argumentsOf();
    window.lead(address);
    const page = given.find((one) => one.startsWith("--app=file://"))?.slice("--app=file://".length) ?? "";
    const place = dirname(page);
    expect(statSync(place).mode & 0o777).toBe(0o700);
    const files = readdirSync(place).filter((name) => statSync(join(place, name)).isFile());
    const withAddress = files.filter((name) => readFileSync(join(place, name), "utf8").includes(address));
    expect(withAddress).toHaveLength(1);
    for (const name of files) expect(statSync(join(place, name)).mode & 0o777, name).toBe(0o600);
    expect(given.join("\n")).not.toContain("a1a1");
    await window.close();
    expect(existsSync(place)).toBe(false);
  });

  it("leaves no file behind where the browser ends by itself, or cannot be started", async () => {
    install("exit 1");
    const window = openChromium(program);
    const page = (await argumentsOf()).find((one) => one.startsWith("--app=file://"))?.slice("--app=file://".length) ?? "";
    await window.closed;
    expect(page).toMatch(/open\.html$/);
    expect(existsSync(dirname(page))).toBe(false);
    await openChromium(join(folder, "none")).closed;
  });
});
