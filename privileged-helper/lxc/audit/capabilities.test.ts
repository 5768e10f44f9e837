import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capabilitiesOfPresets, capabilityNames } from "../../contract/capabilities.ts";
import { auditFacts, statusText } from "../../testing/audit-facts.ts";
import { parseConfig } from "../config.ts";
import { capabilityLines, checkCapabilities, configuredCapabilities } from "./capabilities.ts";

const fix = (preset: Parameters<typeof capabilityLines>[0]["preset"]) => ({ check: "capabilities", preset }) as const;
const textOf = (lines: ReturnType<typeof capabilityLines>) => lines.map(([key, value]) => `${key} = ${value}`).join("\n");
const newest = capabilityNames.length - 1;

describe("the lines for a choice of capabilities", () => {
  it("say exactly what was chosen, as LXC reads them", () => {
    fc.assert(
      fc.property(fc.subarray([...capabilityNames]), (chosen) => {
        const entries = parseConfig(`lxc.cap.drop = chown\nlxc.cap.keep = kill\n${textOf(capabilityLines(fix(chosen), newest))}`);
        expect([...configuredCapabilities(entries)]).toEqual(chosen);
      }),
    );
  });

  it("have numbers for those that an old LXC does not know by name", () => {
    expect(textOf(capabilityLines(fix(["bpf", "chown", "audit_read"]), newest))).toContain("lxc.cap.keep = chown audit_read 39");
    expect(textOf(capabilityLines(fix("system"), newest))).toMatch(/lxc\.cap\.drop = .* 38 39 40$/);
  });

  it("have nothing that the kernel does not have, because LXC would refuse to start", () => {
    expect(textOf(capabilityLines(fix(["bpf", "chown"]), 37))).toMatch(/lxc\.cap\.keep = chown$/);
    expect(textOf(capabilityLines(fix(["bpf"]), 37))).toMatch(/lxc\.cap\.keep = none$/);
  });
});

describe("what a choice starts from", () => {
  it("is what it has, and what its init needs", () => {
    const running = { status: statusText({ Name: "systemd", CapBnd: "00000000000004eb" }) };
    expect(checkCapabilities(auditFacts({ running })).capabilities).toMatchObject({
      has: capabilitiesOfPresets.minimal,
      init: "systemd",
      neededByInit: expect.arrayContaining(["sys_admin"]),
    });
    expect(checkCapabilities(auditFacts({ config: "lxc.cap.keep = chown" })).capabilities).toMatchObject({ has: ["chown"], init: "other" });
  });
});
