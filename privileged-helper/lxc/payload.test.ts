import { expect, it } from "vitest";
import { ownCgroups, payloadFolder } from "./payload.ts";

it("is the container's cgroup, however deep its init went", () => {
  for (const below of ["", "/init.scope", "/system.slice/x.service"]) {
    expect(payloadFolder("web", `/sys/fs/cgroup/lxc.payload.web${below}`)).toBe("/sys/fs/cgroup/lxc.payload.web");
    expect(payloadFolder("web", `/sys/fs/cgroup/a/lxc.payload.web-2${below}`)).toBe("/sys/fs/cgroup/a/lxc.payload.web-2");
  }
});

it("tells a name with a number from a number after a name", () => {
  expect(payloadFolder("web-1", "/c/lxc.payload.web-1/init.scope")).toBe("/c/lxc.payload.web-1");
  expect(payloadFolder("web-1", "/c/lxc.payload.web-1-1/init.scope")).toBe("/c/lxc.payload.web-1-1");
  expect(payloadFolder("web", "/c/lxc.payload.website")).toBe("/c/lxc.payload.website");
});

it("leaves a path of the container's own as it is, without systemd's part", () => {
  expect(payloadFolder("web", "/sys/fs/cgroup/machines/web")).toBe("/sys/fs/cgroup/machines/web");
  expect(payloadFolder("web", "/sys/fs/cgroup/machines/web/init.scope")).toBe("/sys/fs/cgroup/machines/web");
});

it("takes the part that `lxc.cgroup.dir.container.inner` names for the container, whose limits are those above it as well", () => {
  expect(payloadFolder("web", "/sys/fs/cgroup/machines/web/inner/init.scope")).toBe("/sys/fs/cgroup/machines/web/inner");
});

it("leaves out controllers in which a container has no cgroup of its own, where all of this computer would be counted", () => {
  const init = { version: "hybrid", memory: "/c/memory/", pids: "/c/pids/init.scope", unified: "/c/unified/" } as const;
  const cgroups = { version: "hybrid", memory: "/c/memory", pids: "/c/pids", cpuacct: "/c/cpuacct/x", unified: "/c/unified/x" } as const;
  expect(ownCgroups(cgroups, init)).toEqual({ version: "hybrid", cpuacct: "/c/cpuacct/x", unified: "/c/unified/x" });
  expect(ownCgroups(cgroups, undefined)).toEqual(cgroups);
});
