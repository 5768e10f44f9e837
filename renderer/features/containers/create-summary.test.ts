import { describe, expect, it } from "vitest";
import type { CreateValues } from "./create-form.ts";
import { summaryOf } from "./create-summary.ts";
import { nothingAtFirstStart } from "./first-start-values.ts";
import { untouchedOptions } from "./option-values.ts";

const values: CreateValues = {
  name: "web",
  count: 1,
  source: "template",
  template: "busybox",
  options: {},
  image: "",
  ociReference: "",
  cloneFrom: "",
  clone: { copy: "instant", snapshot: "" },
  unprivileged: true,
  start: true,
  address: "static",
  more: untouchedOptions,
  firstStart: nothingAtFirstStart,
};
const summary = (part: Partial<CreateValues> = {}, names = ["web"], mayReserve = true) =>
  Object.fromEntries(summaryOf({ values: { ...values, ...part }, names, ociFile: {}, isUnprivileged: true, mayReserve }));

describe("summaryOf", () => {
  it("says what is made where nothing was changed", () => {
    expect(summary()).toEqual({
      Name: "web",
      "Made of": "The template busybox",
      "Root inside": "Nobody on this computer (unprivileged)",
      Limits: "None",
      Network: "The usual bridge, with a fixed address",
      Starts: "After creation",
    });
  });

  it("names the first and the last of several, and each limit", () => {
    const more = { ...untouchedOptions, cpus: 1, memoryMebibytes: "512", processes: 99, diskMebibytes: 2048, autostart: true };
    expect(summary({ more }, ["web-1", "web-2", "web-3"])).toMatchObject({
      Names: "web-1 to web-3",
      Limits: "1 CPU core, 512 MiB of memory, 99 processes, 2048 MiB of disk",
      Starts: "After creation, and with this computer",
    });
  });

  it("tells what is done at the first start, in its order, and nothing where it is not started", () => {
    const firstStart = { packages: "curl sudo", user: "me", key: "ssh-ed25519 AAAA", mayBecomeRoot: true, command: "echo a\necho b" };
    expect(summary({ firstStart })["First start"]).toBe(
      "Installs curl, sudo, makes the user me with an SSH key who may become root and runs a command (echo a …)",
    );
    expect(summary({ firstStart: { ...nothingAtFirstStart, user: "me", mayBecomeRoot: false } })["First start"]).toBe("Makes the user me");
    expect(summary({ firstStart, start: false })["First start"]).toBeUndefined();
  });

  it("leaves to a clone what is its base's", () => {
    expect(summary({ source: "clone", cloneFrom: "base", start: false }, ["web"], false)).toMatchObject({
      "Made of": "An instant clone of base",
      Limits: "As its base",
      Network: "As its base",
      Starts: "When asked to",
    });
  });

  it("names an image of OCI as it was typed", () => {
    expect(summary({ source: "oci", ociReference: "alpine:3.22" })["Made of"]).toBe("The OCI image alpine:3.22");
  });

  it("says of an address by whom it is given", () => {
    expect(summary({ address: "dhcp", more: { ...untouchedOptions, network: "bridge:br0" } }).Network).toBe("bridge br0, by DHCP");
    expect(summary({ more: { ...untouchedOptions, network: "none" } }).Network).toBe("None");
  });
});
