import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { methods } from "../../../privileged-helper/contract/methods.ts";
import type { Container, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { explainNewName } from "../../../privileged-helper/contract/names.ts";
import { type CreateValues, cloneChoices, explainName, reasonAgainstClone, suggestName, toRequest } from "./create-form.ts";
import { untouchedOptions } from "./option-values.ts";
import { explainTyped } from "./template-values.ts";

const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  manageable: true,
  state: "stopped",
  privileged: false,
  autostart: false,
  ipv4: [],
  ipv6: [],
  clones: [],
  storage: "dir",
  ...more,
});
const containers = (...names: string[]) => new Map(names.map((name) => [name, container(name)]));
const values: CreateValues = {
  name: "web",
  source: "template",
  template: "debian",
  options: {},
  cloneFrom: "",
  unprivileged: true,
  start: true,
  address: "static",
  more: untouchedOptions,
};

describe("a name", () => {
  it("that is taken is refused", () => {
    expect(explainName("web", containers("web"))).toBe("There is a container web already.");
  });
  it("that is free and a host name is accepted", () => {
    expect(explainName("web", containers("mail"))).toBeUndefined();
  });
  it("that is no host name is refused with the contract's reason", () => {
    expect(explainName("Web", containers())).toBe("Use lower-case letters only.");
  });
});

describe("a suggested name", () => {
  it("is the source's with the lowest number that is free", () => {
    expect(suggestName("web", containers("web", "web-1", "web-3"))).toBe("web-2");
    expect(suggestName("web-1", containers("web-1"))).toBe("web-2");
  });
  it("can always be taken, whatever the source is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."aZ0-._é ") }), (source) => {
        expect(explainNewName(suggestName(source, containers(source)))).toBeUndefined();
      }),
    );
  });
});

describe("a base", () => {
  it("is cloned only when it is stopped, managed and left alone", () => {
    expect(reasonAgainstClone(container("base"))).toBeUndefined();
    expect(reasonAgainstClone(container("base", { state: "running" }))).toMatch(/running/);
    expect(reasonAgainstClone(container("a b", { manageable: false }))).toBeDefined();
    expect(reasonAgainstClone(container("base", { operation: { task: "1", kind: "destroy" } }))).toBeDefined();
  });
});

it("the bases that can be cloned come first, the others say why they cannot", () => {
  const all = new Map([
    ["a", container("a", { state: "running" })],
    ["b-10", container("b-10")],
    ["b-9", container("b-9")],
  ]);
  expect(cloneChoices(all)).toEqual([
    { value: "b-9", label: "b-9", disabled: false },
    { value: "b-10", label: "b-10", disabled: false },
    { value: "a", label: "a (running: stop it first)", disabled: true },
  ]);
});

describe("the request", () => {
  const { params } = methods["containers.create"];
  const form: TemplateOption[] = [
    { name: "release", kind: "word", label: "Release", suggestions: [], flag: "--release=", isMore: false },
    { name: "packages", kind: "list", label: "Packages", suggestions: [], flag: "--packages=", isMore: false },
  ];
  it("asks only for what the template that is chosen takes, and what was typed into its form", () => {
    const options = { debian: { release: "trixie", gone: "x" }, ubuntu: { release: "jammy" } };
    expect(toRequest({ ...values, options }, form).source).toEqual({
      type: "template",
      template: "debian",
      options: { release: "trixie" },
    });
    expect(toRequest({ ...values, options, template: "alpine" }, form).source).toEqual({
      type: "template",
      template: "alpine",
      options: {},
    });
  });
  it("is one that the helper accepts, for a template and for a clone", () => {
    const options = { debian: { release: "24.04", packages: "curl, git" } };
    expect(params.safeParse(toRequest({ ...values, options }, form)).success).toBe(true);
    expect(params.safeParse(toRequest({ ...values, source: "clone", cloneFrom: "Base_1" }, form)).success).toBe(true);
  });
  it("has nothing typed that the helper would refuse, because the form refuses it first", () => {
    fc.assert(
      fc.property(fc.constantFrom(...form), fc.string(), (option, typed) => {
        if (explainTyped(option, typed) !== undefined) return;
        expect(params.safeParse(toRequest({ ...values, options: { debian: { [option.name]: typed } } }, form)).success).toBe(true);
      }),
    );
  });
});
