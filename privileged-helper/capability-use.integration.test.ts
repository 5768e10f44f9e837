import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

const tracing = "/sys/kernel/tracing";

/** Linux 6.14 and later. */
const kernelTells = readFileSync("/proc/kallsyms", "utf8").includes("trace_event_raw_event_cap_capable");

let lxc: RealLxc;
let folder: string;
let script: string;
let helper: HelperClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-capability-use-"));
  script = await bundleHelper(folder);
  lxc = createRealLxc("capability-use");
  for (const name of ["web", "other"]) {
    lxc.makeContainer(name);
    lxc.run("lxc-start", "-n", name);
  }
  helper = startHelper(script, lxc.lxcPath);
});
afterAll(async () => {
  await helper?.close();
  await lxc?.close();
  rmSync(folder, { recursive: true, force: true });
});

const isMounted = () => existsSync(join(tracing, "events"));
const wasMounted = isMounted();
const look = () => helper.call("security.capabilityUse", { name: "web" });
const instances = () =>
  existsSync(join(tracing, "instances")) ? readdirSync(join(tracing, "instances")).filter((one) => one.startsWith("lxc-desktop-")) : [];

if (!kernelTells) {
  it("a kernel that does not tell which rights are used is named as the reason", async () => {
    await expect(look()).rejects.toMatchObject({ problem: { code: "not-supported", what: expect.stringContaining("kernel") } });
  });
} else {
  describe("the rights that a container uses", () => {
    it("are told once they are used, by it and not by another one, also by what was started from outside", async () => {
      expect((await look()).used).toEqual([]);
      lxc.inside("other", "chroot", "/", "true");
      // As in its own init's family: a shell of a terminal is seen a moment after it was opened.
      lxc.inside("web", "sh", "-c", "sleep 2; touch /tmp/file; chown 1000:1000 /tmp/file; su -s /bin/true bin 2>/dev/null || true");
      await vi.waitFor(async () => expect((await look()).used).toContain("chown"), { timeout: 5_000 });
      const { used, since } = await look();
      expect(used).not.toContain("sys_chroot");
      expect(used).not.toContain("sys_time");
      expect(since).toBeLessThanOrEqual(Date.now());
      expect(instances()).toHaveLength(1);
      lxc.inside("web", "sh", "-c", "sleep 2; chroot / true");
      await vi.waitFor(async () => expect((await look()).used).toEqual(expect.arrayContaining(["chown", "sys_chroot"])), {
        timeout: 5_000,
      });

      await helper.call("security.capabilityUse", { name: "other" });
      expect(instances()).toHaveLength(2);
      await helper.close();
      expect(instances()).toEqual([]);
      expect(isMounted()).toBe(wasMounted);
      helper = startHelper(script, lxc.lxcPath);
    });

    it("are watched no more once it has stopped, and what a killed helper left is removed", async () => {
      await look();
      expect(instances()).toHaveLength(1);
      process.kill(helper.pid, "SIGKILL");
      await helper.exited;
      expect(instances()).toHaveLength(1);
      helper = startHelper(script, lxc.lxcPath);
      await look();
      expect(instances()).toHaveLength(1);
      lxc.run("lxc-stop", "-k", "-n", "web");
      await vi.waitFor(() => expect(instances()).toEqual([]), { timeout: 5_000 });
      await vi.waitFor(() => expect(isMounted()).toBe(wasMounted), { timeout: 5_000 });
      await expect(look()).rejects.toMatchObject({ problem: { code: "wrong-state" } });
    });
  });
}
