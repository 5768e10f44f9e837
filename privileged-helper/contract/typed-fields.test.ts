import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { examples } from "../testing/requests.ts";
import { type MethodName, methods } from "./methods.ts";

/** Requests that have what the examples leave out: each text that root is ever given is in one of these. */
const application = {
  argv: ["/bin/x"],
  environment: ["A=b"],
  workingDirectory: "/srv",
  user: "me:me",
  ports: ["80/tcp"],
  volumes: ["/data"],
  stopSignal: "SIGTERM",
};
const image = "0123456789abcdef0123456789abcdef";
const create = examples["containers.create"];
const more: [MethodName, object][] = [
  ["containers.create", { ...create, source: { type: "clone", from: "base", snapshot: "snap0" } }],
  ["containers.create", { ...create, source: { type: "image", image, application } }],
  ["containers.preview", { ...create, source: { type: "clone", from: "base", snapshot: "snap0" } }],
  ["containers.preview", { ...create, source: { type: "image", image, application } }],
  ["containers.preview", { ...create, source: { type: "new-image", origin: "oci", distribution: "alpine", application } }],
  ["containers.preview", create],
  ["containers.try", { source: { type: "image", image } }],
  ["containers.firstStart", { name: "web", firstStart: (create as { firstStart: object }).firstStart }],
  ["terminal.open", { name: "web", columns: 80, rows: 24, kind: { type: "command", argv: ["top", "-b"] } }],
  ...(["security.previewFix", "security.fix"] as const).flatMap((method): [MethodName, object][] => [
    [method, { name: "web", fix: { check: "read-only", places: [{ path: "/var/log", kept: "disk" }] } }],
    [method, { name: "web", fix: { check: "suid-files", files: ["0".repeat(32)] } }],
  ]),
];
const choices = { ...create, name: undefined };
const imported = examples["images.import"];
const form = (source: object) => ({
  names: ["web"],
  choices: { ...(JSON.parse(JSON.stringify(choices)) as object), source },
  lacks: { what: "file", name: "image.tar" },
});
const newOne = { ...(JSON.parse(JSON.stringify({ ...create, source: undefined })) as object) };
for (const asked of [
  { method: "catalog.create", params: { ...newOne, image: image } },
  { method: "oci.create", params: { ...newOne, reference: "docker.io/library/nginx:1", manifest: "0".repeat(64) } },
]) {
  more.push(["images.import", { ...imported, application, manifest: "0".repeat(64), request: asked }]);
}
for (const source of [
  (create as { source: object }).source,
  { type: "clone", from: "base", snapshot: "snap0" },
  { type: "image", image },
  { type: "server-image", image: image },
  { type: "oci", reference: "docker.io/library/nginx:1" },
]) {
  more.push(["images.import", { ...imported, form: form(source) }]);
}
const requests: [MethodName, object][] = [...(Object.entries(examples) as [MethodName, object][]), ...more];

/** Where a schema takes text: `a.b` of objects, `[]` of lists, `{}` of what is there by names that are chosen, `{name}` those names. */
function textsOf(schema: z.core.$ZodType, path = ""): string[] {
  const { def } = schema._zod as unknown as { def: Def };
  switch (def.type) {
    case "string":
      return [path];
    case "object":
      return Object.entries(def.shape ?? {}).flatMap(([key, inner]) => textsOf(inner, path === "" ? key : `${path}.${key}`));
    case "array":
      return textsOf(def.element as z.core.$ZodType, `${path}[]`);
    case "record":
      return [`${path}{name}`, ...textsOf(def.valueType as z.core.$ZodType, `${path}{}`)];
    case "union":
      return (def.options ?? []).flatMap((option) => textsOf(option, path));
    case "optional":
    case "default":
      return textsOf(def.innerType as z.core.$ZodType, path);
    case "int":
    case "number":
    case "boolean":
    case "enum":
    case "literal":
      return [];
    default:
      throw new Error(`${path}: ${def.type} is not known here`);
  }
}
type Def = {
  type: string;
  shape?: Record<string, z.core.$ZodType>;
  element?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  options?: z.core.$ZodType[];
  innerType?: z.core.$ZodType;
};

type Change = (text: string) => string;
/** Every way to change one text of a request. @returns The path as above, and the request. */
function changes(value: unknown, schema: z.core.$ZodType, change: Change, path = ""): [string, unknown][] {
  const texts = new Set(textsOf(schema));
  const walk = (inner: unknown, at: string): [string, unknown][] => {
    if (typeof inner === "string") return texts.has(at) ? [[at, change(inner)]] : [];
    if (Array.isArray(inner))
      return inner.flatMap((one, index) =>
        walk(one, `${at}[]`).map(([where, changed]): [string, unknown] => [where, inner.with(index, changed)]),
      );
    if (typeof inner !== "object" || inner === null) return [];
    const isRecord = texts.has(`${at}{name}`);
    return Object.entries(inner).flatMap(([key, one]): [string, unknown][] => {
      const below = walk(one, isRecord ? `${at}{}` : at === "" ? key : `${at}.${key}`);
      const { [key]: _, ...others } = inner as Record<string, unknown>;
      const renamed: [string, unknown][] = isRecord ? [[`${at}{name}`, { ...others, [change(key)]: one }]] : [];
      return [...renamed, ...below.map(([where, changed]): [string, unknown] => [where, { ...inner, [key]: changed }])];
    });
  };
  return walk(value, path);
}

/** The same in what is kept of a request as it is in the request. */
const copies = /^(form\.choices\.|request\.params\.|source\.(?=application\.))/;

/** Which texts of all requests may be changed like this, and stay so. */
function accepted(change: Change): string[] {
  const found = new Set<string>();
  for (const [method, request] of requests) {
    const before = JSON.stringify(methods[method].params.parse(request));
    for (const [path, changed] of changes(request, methods[method].params, change)) {
      const { success, data } = methods[method].params.safeParse(changed);
      if (success && JSON.stringify(data) !== before) found.add(path.replace(copies, ""));
    }
  }
  return [...found].sort();
}

/** Only a program inside is ever given these, quoted, in a file or as an argument of its own. */
const ofPrograms = ["application.argv[]", "application.environment[]", "firstStart.command", "kind.argv[]", "kind.environment{}"];
const pathsOfApplications = ["application.volumes[]", "application.workingDirectory"];

describe("every text in a request", () => {
  it("is in one of the requests here", () => {
    for (const method of Object.keys(methods) as MethodName[]) {
      const covered = requests
        .filter(([name]) => name === method)
        .flatMap(([, request]) => changes(request, methods[method].params, (text) => text).map(([path]) => path));
      expect([...new Set(covered)].sort(), method).toEqual([...new Set(textsOf(methods[method].params))].sort());
    }
  });

  it("is right as it is, so that it is the change that is refused", () => {
    for (const [method, request] of requests) expect(methods[method].params.safeParse(request).success, method).toBe(true);
  });

  const places: [string, (character: string) => Change][] = [
    ["before it", (character) => (text) => character + text],
    ["behind it", (character) => (text) => text + character],
    ["within it", (character) => (text) => text.slice(0, 1) + character + text.slice(1)],
  ];

  describe.each(places)("with a character %s", (place, put) => {
    it("has no zero byte anywhere", () => expect(accepted(put("\0"))).toEqual([]));

    it("has no end of a line where that could become another line of a configuration, a log or a list of arguments", () => {
      expect(accepted(put("\n"))).toEqual(ofPrograms);
    });

    it.each(["\r", "\u001b", "\u007f", "\u0008"])(
      "has no control character %j but for what only programs inside are given",
      (character) => {
        // A command is shown in tasks, too.
        const texts = ofPrograms.filter((path) => path !== "firstStart.command");
        // A path begins with a slash.
        const paths = place === "before it" ? [] : pathsOfApplications;
        expect(accepted(put(character))).toEqual([...texts, ...paths].sort());
      },
    );

    it.each(["\u0085", "\u2028", "\u2029", "\u202e", "\ufeff"])(
      "has no %j that turns text round or hides it in what is shown",
      (character) => {
        const free = new Set([...ofPrograms, ...pathsOfApplications, "kind.directory", "file"]);
        expect(accepted(put(character)).filter((path) => !free.has(path))).toEqual([]);
      },
    );
  });

  it("is no line of a configuration", () => {
    const keys = ["lxc.hook.pre-start", "lxc.mount.entry", "lxc.include", "lxc.idmap", "lxc.rootfs.path", "lxc.cap.drop", "lxc.log.file"];
    for (const key of keys) {
      // For people: a title of an image, a note.
      expect(
        accepted(() => `${key} = /x`),
        key,
      ).toEqual([...ofPrograms, "form.lacks.name", "note", "title"].sort());
    }
  });

  it("is no option of a tool, and no path out of a folder", () => {
    for (const text of ["--help", "-P/tmp", "../../etc", "a/../../etc", "/../etc"]) {
      const free = new Set([
        ...ofPrograms,
        "form.lacks.name",
        "note",
        "title",
        "file",
        "kind.directory",
        "source.options{}",
        "source.options{}[]",
      ]);
      // Of a template's options only its form tells what may be a path: `explainOptionValue`.
      expect(
        accepted(() => text).filter((path) => !free.has(path)),
        text,
      ).toEqual([]);
    }
  });

  it("is never a megabyte", () => {
    for (const text of ["a".repeat(1024 * 1024), "/a".repeat(512 * 1024), `A=${"b".repeat(1024 * 1024)}`])
      expect(accepted(() => text)).toEqual([]);
  });

  it("is no name of a variable that means more than its value", () => {
    const refused = ["A\nB", "", "=", "A=B", "1A", "A B", "A-B", "A".repeat(65), "LXC\u0000", "Ä"];
    for (const name of refused)
      expect(
        accepted(() => name).filter((path) => path === "kind.environment{name}"),
        JSON.stringify(name),
      ).toEqual([]);
    const { params } = methods["terminal.open"];
    const opens = (count: number) => ({
      name: "web",
      columns: 80,
      rows: 24,
      kind: { type: "shell", environment: Object.fromEntries(Array.from({ length: count }, (_, index) => [`A${index}`, "b"])) },
    });
    expect([params.safeParse(opens(32)).success, params.safeParse(opens(33)).success]).toEqual([true, false]);
  });
});
