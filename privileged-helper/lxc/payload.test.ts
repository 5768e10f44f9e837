import { expect, it } from "vitest";
import { payloadFolder } from "./payload.ts";

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
