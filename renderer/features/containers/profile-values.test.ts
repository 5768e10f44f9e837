import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { profile } from "../../../privileged-helper/contract/methods.ts";
import type { TemplateOption } from "../../../privileged-helper/contract/model.ts";
import type { CreateValues } from "./create-form.ts";
import { type OptionValues, untouchedOptions } from "./option-values.ts";
import { filledInAgain, hasPassword, toChoices, valuesOfChoices } from "./profile-values.ts";

const common = { label: "", suggestions: [], isMore: false };
const form: TemplateOption[] = [
  { ...common, name: "release", kind: "word", flag: "--release=" },
  { ...common, name: "packages", kind: "list", flag: "--packages=" },
  { ...common, name: "flush-cache", kind: "yes-no", flag: "--flush-cache" },
  { ...common, name: "password", kind: "password", flag: "--password=" },
];
const values: CreateValues = {
  name: "web",
  count: 3,
  source: "template",
  template: "debian",
  options: { debian: { release: "trixie", packages: "curl, git", "flush-cache": true, password: "secret" }, alpine: { release: "edge" } },
  image: "",
  ociReference: "",
  cloneFrom: "",
  clone: { copy: "full", snapshot: "" },
  unprivileged: false,
  start: false,
  address: "dhcp",
  firstStart: { packages: "curl git", user: "me", key: "", mayBecomeRoot: true, command: "" },
  more: { cpus: 1.5, memoryMebibytes: "512", processes: "", diskMebibytes: "", network: "bridge:br0", autostart: true, hardened: true },
};
const keep = (kept: CreateValues, name = "Web") => profile.parse({ name, choices: toChoices(kept, form) });

describe("a profile", () => {
  it("has what was chosen, but neither the name nor a password", () => {
    expect(toChoices(values, form)).toEqual({
      unprivileged: false,
      start: false,
      address: "dhcp",
      resources: { cpus: 1.5, memoryBytes: 512 * 1024 * 1024, processes: undefined, diskBytes: undefined },
      network: { type: "bridge", bridge: "br0" },
      autostart: true,
      hardened: true,
      source: { type: "template", template: "debian", options: { release: "trixie", packages: ["curl", "git"], "flush-cache": true } },
    });
    expect(JSON.stringify(keep(values))).not.toContain("secret");
    expect(hasPassword(values)).toBe(true);
    expect(hasPassword({ ...values, options: { debian: { password: "" } } })).toBe(false);
    expect(hasPassword({ ...values, source: "clone" })).toBe(false);
  });

  it("that is chosen puts that into the fields again, and leaves what was typed into the forms of other templates", () => {
    const chosen = valuesOfChoices(keep(values).choices, values);
    expect(chosen).toMatchObject({ source: "template", template: "debian", unprivileged: false, start: false, address: "dhcp" });
    expect(chosen.more).toEqual({ ...values.more, memoryMebibytes: 512 });
    expect(chosen.options).toEqual({
      debian: { release: "trixie", packages: "curl, git", "flush-cache": true },
      alpine: { release: "edge" },
    });
    expect("name" in chosen || "count" in chosen).toBe(false);
  });

  it("is the same again when it is saved as it was chosen", () => {
    const limit = fc.constantFrom<number | string>("", 16, 100, "32");
    const more: fc.Arbitrary<OptionValues> = fc.record({
      cpus: limit,
      memoryMebibytes: limit,
      processes: limit,
      diskMebibytes: limit,
      network: fc.constantFrom("default", "none", "host", "bridge:lxcbr0"),
      autostart: fc.boolean(),
      hardened: fc.boolean(),
    });
    const firstStart = fc.record({
      packages: fc.constantFrom("", "curl git, g++"),
      user: fc.constantFrom("", "me"),
      key: fc.constant(""),
      mayBecomeRoot: fc.boolean(),
      command: fc.constantFrom("", "set -e\ntrue"),
    });
    fc.assert(
      fc.property(more, firstStart, fc.boolean(), (chosen, first, start) => {
        const kept = keep({ ...values, more: chosen, firstStart: first, start });
        expect(keep({ ...values, more: untouchedOptions, ...valuesOfChoices(kept.choices, values) })).toEqual(kept);
      }),
    );
  });

  it("may be of a base, of an image, and of some archive", () => {
    const id = "0123456789abcdef".repeat(2);
    const image = { id, title: "Alpine", origin: "server", unprivileged: true, bytes: 1, createdAt: 0, containers: [] } as const;
    const offered = { id, server: "", path: "", distribution: "alpine", release: "3", architecture: "", variant: "", build: "" };
    const ofImage: CreateValues = { ...values, source: "image" };
    const again = (choices: ReturnType<typeof toChoices>) => valuesOfChoices(profile.parse({ name: "Web", choices }).choices, values);
    expect(again(toChoices({ ...values, source: "clone", cloneFrom: "Base_1" }, form))).toMatchObject({
      source: "clone",
      cloneFrom: "Base_1",
    });
    expect(again(toChoices({ ...values, source: "archive" }, form))).toMatchObject({ source: "archive" });
    expect(again(toChoices({ ...values, source: "oci" }, form, undefined, true))).toMatchObject({ source: "oci", ociReference: "" });
    const oci = toChoices({ ...values, source: "oci", ociReference: "ghcr.io/x/y:1" }, form);
    expect(again(oci)).toMatchObject({ source: "oci", ociReference: "ghcr.io/x/y:1" });
    const ready = toChoices(ofImage, form, { from: "ready", image: { ...image, containers: [] } });
    expect(again(ready)).toMatchObject({ source: "image", image: `ready:${id}` });
    const server = toChoices(ofImage, form, { from: "server", row: { image: offered, name: "Alpine 3" } });
    expect(again(server)).toMatchObject({ source: "image", image: `server:${id}` });
  });

  it("is nothing while the source is not chosen", () => {
    expect(toChoices({ ...values, source: "clone" }, form)).toBeUndefined();
    expect(toChoices({ ...values, source: "image" }, form)).toBeUndefined();
    expect(toChoices({ ...values, source: "oci", ociReference: "Not one" }, form)).toBeUndefined();
  });
});

it("what was asked for before fills in the dialog again, with its names", () => {
  const { choices } = keep(values);
  const again = (...names: string[]) => filledInAgain({ names, choices, lacks: { what: "password" } }, { ...values, name: "x", count: 1 });
  expect(again("web")).toMatchObject({ name: "web", count: 1, source: "template", template: "debian", start: false });
  expect(again("web-1", "web-2", "web-3")).toMatchObject({ name: "web", count: 3 });
});
