import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConfigurationFix, securityFix } from "../../contract/security.ts";
import { createContainerReader } from "../list.ts";
import { planFix, planUndo, previewFix, rememberFix, weakens } from "./fixes.ts";
import { acceptRisk, readSecurityRecord, writeSecurityRecord } from "./security-record.ts";

let lxcPath: string;
const name = "web";
const setConfig = (text: string) => writeFileSync(join(lxcPath, name, "config"), text);

beforeEach(() => {
  lxcPath = mkdtempSync(join(tmpdir(), "lxc-desktop-fixes-"));
  mkdirSync(join(lxcPath, name));
});
afterEach(() => rmSync(lxcPath, { recursive: true }));

const world = () => ({ lxcPath, reader: createContainerReader({ lxcPath }) });
const own =
  "# mine\nlxc.uts.name = web\nlxc.cap.drop = sys_module\nlxc.rootfs.options = idmap=container\nlxc.apparmor.profile = unconfined\n";
const fixes: ConfigurationFix[] = [
  { check: "capabilities", preset: "minimal" },
  { check: "capabilities", preset: ["chown", "bpf"] },
  { check: "capabilities", preset: "system" },
  { check: "new-privileges" },
  { check: "system-calls", profile: "strict" },
  { check: "mandatory-access" },
  { check: "root-mount" },
].map((fix) => securityFix.parse(fix) as ConfigurationFix);

describe("a fix", () => {
  it.each(fixes)("%j changes its own lines alone, and is undone by what it says of itself", (fix) => {
    setConfig(own);
    const { after, before } = planFix(world(), name, fix);
    const { adds } = previewFix(world(), name, fix);
    expect(before).toBe(own);
    expect(after).toContain("# mine\nlxc.uts.name = web\n");
    expect(adds.length).toBeGreaterThan(0);
    const done = rememberFix(before, after);
    expect(planUndo(after, done)).toBe(own);
    const undone = planUndo(`${after}lxc.start.auto = 1\n`, done);
    expect(undone.split("\n").sort()).toEqual(`${own}lxc.start.auto = 1\n`.split("\n").sort());
  });

  it("keeps the options that its files are mounted with", () => {
    setConfig(own);
    expect(previewFix(world(), name, { check: "root-mount" }).adds).toEqual(["lxc.rootfs.options = idmap=container,nosuid,nodev"]);
  });

  it("forgets the capabilities of files that are included before", () => {
    setConfig(own);
    const { adds } = previewFix(world(), name, { check: "capabilities", preset: "service" });
    expect(adds.slice(0, 2)).toEqual(["lxc.cap.drop = ", "lxc.cap.keep = "]);
    expect(adds[2]).toMatch(/^lxc\.cap\.keep = chown /);
  });

  it("is told from what would take isolation away", () => {
    setConfig("lxc.cap.keep = chown\n");
    expect(weakens(world(), name, { check: "capabilities", preset: "minimal" })).toBe(true);
    setConfig("lxc.cap.drop = sys_module\n");
    expect(weakens(world(), name, { check: "capabilities", preset: "service" })).toBe(false);
    setConfig("lxc.apparmor.profile = unconfined\n");
    expect(weakens(world(), name, { check: "mandatory-access" })).toBe(false);
    setConfig("lxc.apparmor.profile = our-own\n");
    expect(weakens(world(), name, { check: "mandatory-access" })).toBe(true);
    const profile = join(lxcPath, "allow.seccomp");
    writeFileSync(profile, "2\nallowlist\n[all]\nread\n");
    setConfig(`lxc.seccomp.profile = ${profile}\n`);
    expect(weakens(world(), name, { check: "system-calls", profile: "strict" })).toBe(true);
    setConfig("lxc.uts.name = web\n");
    expect(weakens(world(), name, { check: "system-calls", profile: "strict" })).toBe(false);
  });

  it("cannot be undone once somebody has changed its lines", () => {
    expect(() => planUndo("lxc.uts.name = web\n", rememberFix("", "lxc.no_new_privs = 1\n"))).toThrow("not-supported");
  });
});

describe("what people have decided", () => {
  it("is kept with the container, and forgotten", () => {
    acceptRisk(lxcPath, name, "memory", { note: "It is alone here.", uid: 1000, at: 5 });
    expect(readSecurityRecord(lxcPath, name).accepted).toEqual({ memory: { note: "It is alone here.", uid: 1000, at: 5 } });
    acceptRisk(lxcPath, name, "memory", undefined);
    expect(readSecurityRecord(lxcPath, name)).toEqual({ accepted: {}, fixes: [], stripped: [], diskLimits: [] });
  });

  it("is nothing where the file is none of ours", () => {
    writeSecurityRecord(lxcPath, name, {
      accepted: {},
      fixes: [{ check: "memory", at: 1, removes: [], adds: ["x"], after: "0" }],
      stripped: [],
      diskLimits: [],
    });
    expect(readSecurityRecord(lxcPath, name).fixes).toHaveLength(1);
    writeFileSync(join(lxcPath, name, "lxc-desktop-security.json"), '{"accepted":{"nothing":1}}');
    expect(readSecurityRecord(lxcPath, name)).toEqual({ accepted: {}, fixes: [], stripped: [], diskLimits: [] });
  });
});
