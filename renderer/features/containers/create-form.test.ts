import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application } from "../../../privileged-helper/contract/application.ts";
import { filledIn, hostMethods, methods } from "../../../privileged-helper/contract/methods.ts";
import type { OciImage, ReadyImage, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { explainNewName } from "../../../privileged-helper/contract/names.ts";
import { sampleContainer } from "../../../privileged-helper/contract/testing/sample-container.ts";
import type { ImageChoice } from "../../ui/image-choices.ts";
import {
  type CreateRequest,
  type CreateValues,
  cloneChoices,
  explainCount,
  explainLack,
  explainName,
  explainNames,
  formOf,
  namesIn,
  namesOf,
  reasonAgainstClone,
  stemOf,
  suggestName,
  titleOf,
  toRequests,
} from "./create-form.ts";
import { nothingAtFirstStart } from "./first-start-values.ts";
import { untouchedOptions } from "./option-values.ts";
import { explainTyped } from "./template-values.ts";

const containers = (...names: string[]) => new Map(names.map((name) => [name, sampleContainer(name)]));
const values: CreateValues = {
  name: "web",
  count: 1,
  source: "template",
  template: "debian",
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

describe("several at once", () => {
  it("are numbered, and one is not", () => {
    expect(namesOf({ ...values, count: 1 })).toEqual(["web"]);
    expect(namesOf({ ...values, count: 3 })).toEqual(["web-1", "web-2", "web-3"]);
  });
  it("need all of their names", () => {
    expect(explainNames({ ...values, count: 3 }, containers("web", "web-4"))).toBeUndefined();
    expect(explainNames({ ...values, count: 3 }, containers("web-2"))).toBe("There is a container web-2 already.");
  });
  it("are short enough with their numbers, and say so where they are not", () => {
    const explain = (length: number, count: number) => explainNames({ ...values, name: "w".repeat(length), count }, containers());
    expect([explain(61, 9), explain(60, 50), explain(63, 1)]).toEqual([undefined, undefined, undefined]);
    expect([explain(62, 2), explain(63, 9)]).toEqual(Array(2).fill("Each gets a number, so this has at most 61 characters."));
    expect(explain(61, 10)).toBe("Each gets a number, so this has at most 60 characters.");
    expect([explain(64, 1), explain(64, 2)]).toEqual(Array(2).fill("A name has at most 63 characters."));
  });
  it("are as many as one can watch", () => {
    expect([1, 50, "3"].map(explainCount)).toEqual([undefined, undefined, undefined]);
    for (const typed of [0, 51, 1.5, "", "x"]) expect(explainCount(typed), String(typed)).toBeDefined();
  });
});

describe("a suggested name", () => {
  it("is the source's with the lowest number that is free", () => {
    expect(suggestName("web", containers("web", "web-1", "web-3"))).toBe("web-2");
    expect(suggestName("web-1", containers("web-1"))).toBe("web-2");
  });
  it("has a stem that several can be called after", () => {
    expect(["web-1", "web-2-10", "web"].map(stemOf)).toEqual(["web", "web-2", "web"]);
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
  it("is cloned only when it is managed and left alone", () => {
    expect(reasonAgainstClone(sampleContainer("base"))).toBeUndefined();
    expect(reasonAgainstClone(sampleContainer("base", { state: "running" }))).toBeUndefined();
    expect(reasonAgainstClone(sampleContainer("base", { state: "starting" }))).toMatch(/starting/);
    expect(reasonAgainstClone(sampleContainer("a b", { manageable: false }))).toBeDefined();
    expect(reasonAgainstClone(sampleContainer("base", { operation: { task: "1", kind: "destroy" } }))).toBeDefined();
  });
});

it("the bases that can be cloned come first, the others say why they cannot", () => {
  const all = new Map([
    ["a", sampleContainer("a", { state: "running" })],
    ["c", sampleContainer("c", { state: "stopping" })],
    ["b-10", sampleContainer("b-10")],
    ["b-9", sampleContainer("b-9")],
  ]);
  expect(cloneChoices(all)).toEqual([
    { value: "a", label: "a (running)", disabled: false },
    { value: "b-9", label: "b-9", disabled: false },
    { value: "b-10", label: "b-10", disabled: false },
    { value: "c", label: "c (stopping)", disabled: true },
  ]);
});

const toRequest = (...[of, form, choice]: [CreateValues, readonly TemplateOption[], ImageChoice?]): CreateRequest => {
  const [request] = toRequests(of, [of.name], form, choice && { choice });
  if (!request) throw new Error("nothing is asked for");
  return request;
};
const sourceOf = (request: CreateRequest) => (request.method === "containers.create" ? request.params.source : undefined);

describe("the request", () => {
  const { params } = methods["containers.create"];
  const form: TemplateOption[] = [
    { name: "release", kind: "word", label: "Release", suggestions: [], flag: "--release=", isMore: false },
    { name: "packages", kind: "list", label: "Packages", suggestions: [], flag: "--packages=", isMore: false },
  ];
  it("asks only for what the template that is chosen takes, and what was typed into its form", () => {
    const options = { debian: { release: "trixie", gone: "x" }, ubuntu: { release: "jammy" } };
    expect(sourceOf(toRequest({ ...values, options }, form))).toEqual({
      type: "template",
      template: "debian",
      options: { release: "trixie" },
    });
    expect(sourceOf(toRequest({ ...values, options, template: "alpine" }, form))).toEqual({
      type: "template",
      template: "alpine",
      options: {},
    });
  });
  it("is one that the helper accepts, for a template and for a clone", () => {
    const options = { debian: { release: "24.04", packages: "curl, git" } };
    expect(params.safeParse(toRequest({ ...values, options }, form).params).success).toBe(true);
    expect(params.safeParse(toRequest({ ...values, source: "clone", cloneFrom: "Base_1" }, form).params).success).toBe(true);
  });
  it("asks for a first start only where it is started", () => {
    const firstStart = { ...nothingAtFirstStart, command: "true" };
    const asked = (start: boolean) => params.parse(toRequest({ ...values, start, firstStart }, form).params).firstStart;
    expect([asked(true), asked(false)]).toEqual([{ command: "true" }, undefined]);
  });
  it("goes to the helper for an image that is ready, and to the host for what it has to hand over first", () => {
    const id = "0123456789abcdef".repeat(2);
    const image: ReadyImage = { id, title: "Alpine", origin: "server", unprivileged: true, bytes: 1, createdAt: 0, containers: [] };
    const ready = toRequest({ ...values, source: "image" }, form, { from: "ready", image });
    expect(params.parse(ready.params)).toMatchObject({ name: "web", source: { type: "image", image: id } });
    const offered = { id, server: "", path: "", distribution: "alpine", release: "3", architecture: "", variant: "", build: "" };
    const row = { image: offered, name: "Alpine 3" };
    const server = toRequest({ ...values, source: "image" }, form, { from: "server", row });
    expect(server.method).toBe("catalog.create");
    expect(hostMethods["catalog.create"].params.parse(server.params)).toMatchObject({ name: "web", image: id });
    const file = new File(["x"], "root.fs.tar.xz");
    const archive = toRequest({ ...values, source: "archive", archive: file }, form);
    expect(archive).toMatchObject({ method: "archives.create", title: "root.fs", file });
    expect(hostMethods["archives.create"].params.safeParse({ ...archive.params, channel: 3 }).success).toBe(true);
  });
  it("asks the host for an image of OCI: the one that was looked at, with what was changed of it", () => {
    const { params: accepted } = hostMethods["oci.create"];
    const application: Application = {
      argv: ["y"],
      environment: ["A=b"],
      workingDirectory: "/",
      user: "",
      ports: [],
      volumes: [],
      stopSignal: "SIGTERM",
    };
    const oci: OciImage = {
      title: "app",
      manifest: "0".repeat(64),
      bytes: 1,
      layers: 1,
      architecture: "amd64",
      application: { ...application, argv: ["x"] },
    };
    const wanted: CreateValues = { ...values, source: "oci", ociReference: "ghcr.io/x/app:1" };
    const asked = (...args: Parameters<typeof toRequests>) => accepted.parse(toRequests(...args)[0]?.params);
    expect(asked(wanted, ["web"], form)).toMatchObject({ name: "web", reference: { host: "ghcr.io", tag: "1" } });
    expect(asked(wanted, ["web"], form, { oci })).toMatchObject({ manifest: oci.manifest });
    expect(asked(wanted, ["web"], form, { oci })).not.toHaveProperty("application");
    expect(asked({ ...wanted, application }, ["web"], form, { oci })).toMatchObject({ application });
    // What was changed of another image is not this one's.
    expect(asked({ ...wanted, application }, ["web"], form)).not.toHaveProperty("application");
    const file = new File(["x"], "two.tar");
    const images = [0, 1].map((index) => ({ reference: `docker-archive:/copy/two.tar:@${index}`, title: "" }));
    const ociFile = { file, image: 1, copy: { channel: 1, images } };
    expect(asked(wanted, ["web"], form, { ociFile })).toMatchObject({ reference: { path: "/copy/two.tar", image: "@1" } });
  });
  it("fills in the dialog again where a file has to be chosen again, and only there", () => {
    const file = new File(["x"], "my.tar");
    const [archive] = toRequests({ ...values, source: "archive", archive: file }, ["web-1", "web-2"], form);
    const [oci] = toRequests({ ...values, source: "oci" }, ["web"], form, { ociFile: { file, image: 0 } });
    for (const [request, names, type] of [
      [archive, ["web-1", "web-2"], "archive"],
      [oci, ["web"], "oci-file"],
    ] as const) {
      const again = filledIn.parse(request && formOf(request));
      expect(again).toMatchObject({ names, choices: { start: true, source: { type } }, lacks: { what: "file", name: "my.tar" } });
      expect(explainLack(again)).toBe("Choose my.tar again: no copy of it was kept.");
    }
    const [registry] = toRequests({ ...values, source: "oci", ociReference: "alpine" }, ["web"], form);
    expect(registry && formOf(registry)).toBeUndefined();
  });
  it("is one for each of several, and one for all of an archive, which is sent once", () => {
    const names = ["web-1", "web-2"];
    expect(toRequests(values, names, form).map(namesIn)).toEqual([["web-1"], ["web-2"]]);
    const file = new File(["x"], "root.fs.tar.xz");
    const ofArchive = toRequests({ ...values, source: "archive", archive: file }, names, form);
    expect(ofArchive.map(namesIn)).toEqual([names]);
    expect(hostMethods["archives.create"].params.safeParse({ ...ofArchive[0]?.params, channel: 3 }).success).toBe(true);
  });
  it("has a title for an archive of whatever name", () => {
    expect(["a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "a.txz", "a"].map(titleOf)).toEqual(["a", "a", "a", "a", "a", "a"]);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 260 }), (name) => {
        const { params } = hostMethods["archives.open"];
        expect(params.safeParse({ title: titleOf(name), bytes: 1 }).success).toBe(true);
      }),
    );
  });
  it("has nothing typed that the helper would refuse, because the form refuses it first", () => {
    fc.assert(
      fc.property(fc.constantFrom(...form), fc.string(), (option, typed) => {
        if (explainTyped(option, typed) !== undefined) return;
        expect(params.safeParse(toRequest({ ...values, options: { debian: { [option.name]: typed } } }, form).params).success).toBe(true);
      }),
    );
  });
});
