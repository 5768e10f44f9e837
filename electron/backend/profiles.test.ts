import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostMethods, maxProfiles, type Profile } from "../../privileged-helper/contract/methods.ts";
import { toProblem } from "../../privileged-helper/contract/problems.ts";
import { createProfiles, profilesPath } from "./profiles.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-profiles-"));
  path = join(folder, "profiles.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const choices = {
  unprivileged: true,
  start: true,
  address: "static",
  autostart: false,
  source: { type: "template", template: "debian", options: { release: "trixie", packages: ["curl"] } },
} as const;
const parse = (given: object) => hostMethods["profiles.save"].params.safeParse({ profile: given });
function profile(name: string, others: object = {}): Profile {
  const { profile: parsed } = hostMethods["profiles.save"].params.parse({ profile: { name, choices: { ...choices, ...others } } });
  return parsed;
}
const namesIn = (profiles: readonly Profile[]) => profiles.map(({ name }) => name);

describe("profiles", () => {
  it("are none before anybody saved one, and write nothing", () => {
    expect(createProfiles(path).list()).toEqual([]);
    expect(createProfiles(path).delete("web")).toEqual([]);
    expect(existsSync(path)).toBe(false);
  });

  it("are kept for this person alone, in the order of their names, also for the next run of the app", () => {
    const saved = [profile("Web 10", { resources: { cpus: 2 }, network: { type: "none" } }), profile("Web 9"), profile("Base")];
    const store = createProfiles(path);
    for (const one of saved) store.save(one);
    expect(namesIn(store.list())).toEqual(["Base", "Web 9", "Web 10"]);
    expect(createProfiles(path).list()).toEqual([saved[2], saved[1], saved[0]]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["profiles.json"]);
  });

  it("take the place of those of the same name, and are deleted by it", () => {
    const store = createProfiles(path);
    store.save(profile("Web"));
    expect(store.save(profile("Web", { start: false }))).toEqual([profile("Web", { start: false })]);
    expect(store.delete("web")).toHaveLength(1);
    expect(store.delete("Web")).toEqual([]);
    expect(createProfiles(path).list()).toEqual([]);
  });

  it("are so many and no more, and one of them can still be replaced", () => {
    const store = createProfiles(path);
    for (let number = 1; number <= maxProfiles; number++) store.save(profile(`Web ${number}`));
    expect(store.save(profile("Web 1", { start: false }))).toHaveLength(maxProfiles);
    try {
      store.save(profile("One more"));
      expect.unreachable();
    } catch (thrown) {
      expect(toProblem(thrown)).toMatchObject({ code: "invalid-request", issues: [{ message: expect.stringContaining("delete one") }] });
    }
    expect(createProfiles(path).list()).toHaveLength(maxProfiles);
  });

  it("stay as they were where they cannot be written", () => {
    const store = createProfiles(join(folder, "profiles.json", "no-folder"));
    writeFileSync(path, "a file, and no folder");
    expect(() => store.save(profile("Web"))).toThrow();
    expect(store.list()).toEqual([]);
  });

  it("lie beside the settings", () => {
    expect(profilesPath("/home/somebody/.config/lxc-desktop/settings.json")).toBe("/home/somebody/.config/lxc-desktop/profiles.json");
  });
});

describe("a file of profiles", () => {
  it("that cannot be read is put aside, and nothing of it is lost", () => {
    for (const broken of ["{", "[]", "null", '{"profiles":1}', `{"profiles":[],"more":"${"x".repeat(1024 * 1024)}"}`]) {
      writeFileSync(path, broken);
      expect(createProfiles(path).list()).toEqual([]);
      expect(readFileSync(`${path}.broken`, "utf8")).toBe(broken);
      expect(existsSync(path)).toBe(false);
    }
  });

  it("is read as far as it is understood, and is kept where it is not", () => {
    const text = JSON.stringify({ profiles: [profile("Web"), { name: "Newer", choices: { ...choices, colour: "red" } }, profile("Web")] });
    writeFileSync(path, text);
    const store = createProfiles(path);
    expect(namesIn(store.list())).toEqual(["Web"]);
    expect(readFileSync(`${path}.broken`, "utf8")).toBe(text);
    expect(namesIn(store.save(profile("Other")))).toEqual(["Other", "Web"]);
  });

  it("whatever is in it, gives profiles or nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (content) => {
        writeFileSync(path, JSON.stringify({ profiles: [content] }));
        expect(createProfiles(path).list()).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what is saved as a profile", () => {
  it.each([
    ["no name", { name: "", choices }],
    ["a name with a line break", { name: "a\nb", choices }],
    ["a name with blanks around it", { name: " web", choices }],
    ["a name that turns the text around", { name: "a\u202eb", choices }],
    ["a name that is too long", { name: "a".repeat(61), choices }],
    ["a container's name", { name: "Web", choices: { ...choices, name: "web" } }],
    ["a password", { name: "Web", choices: { ...choices, source: { type: "template", template: "ubuntu", options: { password: "x" } } } }],
    ["another source", { name: "Web", choices: { ...choices, source: { type: "file", path: "/etc/passwd" } } }],
    ["more of an archive", { name: "Web", choices: { ...choices, source: { type: "archive", path: "/etc/passwd" } } }],
    ["a path instead of an image", { name: "Web", choices: { ...choices, source: { type: "image", image: "../x" } } }],
    ["too much", { name: "Web", choices: { ...choices, source: { ...choices.source, options: { packages: Array(101).fill("a") } } } }],
  ])("is refused with %s", (_, given) => {
    expect(parse(given).success).toBe(false);
  });

  it("may be of every source", () => {
    const id = "0123456789abcdef0123456789abcdef";
    for (const source of [
      { type: "clone", from: "Web_1" },
      { type: "image", image: id },
      { type: "server-image", image: id },
      { type: "archive" },
    ]) {
      expect(parse({ name: "Größe 1 – Web", choices: { ...choices, source } }).success, source.type).toBe(true);
    }
  });
});
