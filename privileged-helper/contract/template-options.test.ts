import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TemplateOption } from "./model.ts";
import { createArguments, explainOptionValue, templateArguments, templateOptions } from "./template-options.ts";

const option = (kind: TemplateOption["kind"], more: Partial<TemplateOption> = {}): TemplateOption => ({
  name: "it",
  kind,
  label: "It",
  suggestions: ["one", "/usr/bin/two"],
  flag: "--it=",
  isMore: false,
  ...more,
});
const kinds = ["word", "url", "list", "choice", "yes-no", "user", "password"] as const;
/** Whatever is accepted, by the kind of the option or by the contract's own look at it. */
const anyValue = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(..."aZ09-._+=@:/~ $`'\"\\;&|<>()*?[]{}!#%^,\n\0é"), maxLength: 40 }),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.array(fc.string({ unit: fc.constantFrom(..."aZ0-.+@:/ $*"), maxLength: 8 }), { maxLength: 5 }),
  fc.constant(true as const),
);
const textsOf = (value: true | string | string[]) => (value === true ? [] : [value].flat());

describe("a value", () => {
  it.each([
    ["word", ["trixie", "24.04", "v3.22", "amd64-hardened+nomultilib", "x86_64"]],
    ["url", ["http://deb.debian.org/debian", "https://mirror.example:8080/a/~b/", "http://10.0.3.1"]],
    ["user", ["ubuntu", "_apt", "a-b_1"]],
    ["password", ["secret", "a+b=c@d.e_F-9", "=="]],
    ["choice", ["one", "/usr/bin/two"]],
  ] as const)("of the kind %s can be %j", (kind, values) => {
    for (const value of values) expect(explainOptionValue(option(kind), value), value).toBeUndefined();
  });

  it.each([
    ["word", ["", "-x", "--help", "../etc", "/etc/shadow", "a b", "$(id)", "`id`", "a;b", "*", "~", "a\nb", "é", "a".repeat(65), "."]],
    [
      "url",
      [
        "",
        "ftp://a/b",
        "file:///etc",
        "http://",
        "http://a b",
        "http://u:p@a/",
        "http://a/$(id)",
        "http://a/?q",
        "http://-a",
        "HTTP://a",
        "http://a/\n",
      ],
    ],
    ["user", ["", "Root", "-u", "a b", "1a", "a".repeat(33), "a:b", "a/b"]],
    ["password", ["", "-x", "a b", "a'b", "$HOME", "a`b", "a".repeat(65), "a:b", "a/b"]],
    ["choice", ["", "three", "One", "/usr/bin/two "]],
  ] as const)("of the kind %s cannot be %j", (kind, values) => {
    for (const value of values) expect(explainOptionValue(option(kind), value), value).toMatch(/\.$/);
  });

  it("of names is a list of them, and says which one is none", () => {
    expect(explainOptionValue(option("list"), ["curl", "g++", "libc6:i386", "getty@tty1.service"])).toBeUndefined();
    expect(explainOptionValue(option("list"), ["curl", "a/b"])).toContain('"a/b"');
    expect(explainOptionValue(option("list"), ["-y"])).toBeDefined();
    expect(explainOptionValue(option("list"), "curl")).toBeDefined();
    expect(explainOptionValue(option("list"), [])).toBeDefined();
  });

  it("that is chosen or not is only that", () => {
    expect(explainOptionValue(option("yes-no"), true)).toBeUndefined();
    for (const value of ["yes", ["yes"]]) expect(explainOptionValue(option("yes-no"), value)).toBeDefined();
    for (const kind of kinds.filter((one) => one !== "yes-no")) expect(explainOptionValue(option(kind), true)).toBeDefined();
  });

  it("of any kind has nothing in it that a shell would do anything about, and is no option", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), anyValue, (kind, value) => {
        if (explainOptionValue(option(kind), value) !== undefined) return;
        for (const text of textsOf(value)) {
          expect(text).toMatch(/^[A-Za-z0-9._+=@:/~-]+$/);
          expect(text).not.toMatch(/^[-~]/);
          expect(text.length).toBeLessThanOrEqual(200);
          if (kind !== "url" && kind !== "choice") expect(text).not.toContain("/");
        }
        // And what the form accepts, the contract lets through.
        expect(templateOptions.safeParse({ it: value }).success).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it("ten megabytes of it are refused as quickly as one", () => {
    const long = "a".repeat(10_000_000);
    for (const kind of kinds) expect(explainOptionValue(option(kind), long)).toBeDefined();
    for (const value of [long, `http://${long}`, `http://a${"/a".repeat(5_000_000)}`])
      expect(templateOptions.safeParse({ it: value }).success).toBe(false);
  });
});

describe("options in a request", () => {
  it.each([
    { "-r": "a" },
    { "": "a" },
    { "a b": "a" },
    { release: false },
    { release: 1 },
    { release: null },
    { release: {} },
    { release: [] },
    { release: ["a", 1] },
    { release: Array(101).fill("a") },
    Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`o${index}`, "a"])),
    ["a"],
    "a",
  ])("%j are refused", (options) => {
    expect(templateOptions.safeParse(options).success).toBe(false);
  });

  it("an own property called __proto__ is no option", () => {
    const parsed = templateOptions.safeParse(JSON.parse('{"__proto__":"a"}'));
    expect(parsed.success && Object.keys(parsed.data).length > 0).toBe(false);
  });
});

describe("the arguments", () => {
  const form = [
    option("list", { name: "extra", flag: "" }),
    option("word", { name: "release", flag: "--release=", default: "stable" }),
    option("word", { name: "suite", flag: "-s" }),
    option("list", { name: "packages", flag: "--packages=" }),
    option("yes-no", { name: "flush-cache", flag: "--flush-cache" }),
    option("password", { name: "password", flag: "--password=" }),
    option("password", { name: "pin", flag: "--pin" }),
  ];

  it("are as the template takes them, each value an element of its own, what has no name at the end", () => {
    const options = { extra: ["a", "b"], release: "trixie", suite: "x", packages: ["c", "d"], "flush-cache": true as const };
    expect(templateArguments(form, options, "plain")).toEqual(["--release=trixie", "-s", "x", "--packages=c,d", "--flush-cache", "a", "b"]);
  });

  it("have the form's own value where nothing was chosen", () => {
    expect(templateArguments(form, {}, "plain")).toEqual(["--release=stable"]);
  });

  it("show no password where they are only shown", () => {
    const options = { password: "hunter2", pin: "1234" };
    expect(templateArguments(form, options, "plain")).toEqual(["--release=stable", "--password=hunter2", "--pin", "1234"]);
    expect(templateArguments(form, options, "concealed")).toEqual(["--release=stable", "--password=********", "--pin", "********"]);
  });

  it("have nothing that the form does not have", () => {
    expect(templateArguments(form, { rootfs: "x", constructor: "y" }, "plain")).toEqual(["--release=stable"]);
  });

  it("come after two hyphens, so that lxc-create takes none of them", () => {
    const all = createArguments({ lxcPath: "/var/lib/lxc", name: "web", template: "debian" }, ["--release=trixie"]);
    expect(all.join(" ")).toBe("-n web -P /var/lib/lxc -t debian -f /var/lib/lxc/web/config.new -- --release=trixie");
  });
});
