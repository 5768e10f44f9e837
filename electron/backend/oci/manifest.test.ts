import { describe, expect, it } from "vitest";
import { type Index, ownPlatform, parseImageConfig, parseManifest } from "./manifest.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const parse = (value: unknown) => parseManifest(JSON.stringify(value));
const config = (value: unknown) => {
  const parsed = parseImageConfig(JSON.stringify(value));
  return typeof parsed === "string" ? parsed : parsed.application;
};

describe("a manifest", () => {
  it("is Docker's or OCI's", () => {
    const manifest = { schemaVersion: 2, config: { digest: digest("a"), size: 1 }, layers: [{ digest: digest("b"), size: 2 }] };
    expect(parse({ ...manifest, mediaType: "application/vnd.docker.distribution.manifest.v2+json", more: 1 })).toMatchObject(manifest);
  });

  it("may be a list, of which the one for this computer is chosen", () => {
    const list = parse({
      manifests: [
        { digest: digest("1"), platform: { os: "windows", architecture: "amd64" } },
        { digest: digest("2"), platform: { os: "linux", architecture: "arm", variant: "v6" } },
        { digest: digest("3"), platform: { os: "linux", architecture: "arm", variant: "v7" } },
        { digest: digest("4"), platform: { os: "linux", architecture: "amd64" } },
        { digest: digest("5"), platform: { os: "unknown", architecture: "unknown" } },
        { digest: digest("6") },
      ],
    }) as Index;
    expect(list.choose(ownPlatform("x64"))).toBe(digest("4"));
    expect(list.choose(ownPlatform("arm"))).toBe(digest("3"));
    expect(list.choose(ownPlatform("riscv64"))).toBeUndefined();
    expect(list.platforms).toEqual(["windows/amd64", "linux/arm/v6", "linux/arm/v7", "linux/amd64"]);
  });

  it.each([
    ["", /not in a known format/],
    ["[]", /not in a known format/],
    ['{"schemaVersion":1,"fsLayers":[]}', /before 2016/],
    [JSON.stringify({ schemaVersion: 2, config: { digest: "sha256:../../x", size: 1 }, layers: [] }), /not in a known format/],
    [JSON.stringify({ schemaVersion: 2, config: { digest: digest("a"), size: -1 }, layers: [] }), /not in a known format/],
  ])("is none: %s", (text, reason) => expect(parseManifest(text)).toMatch(reason));
});

describe("the configuration of an image", () => {
  it("says what is run", () => {
    const image = {
      Entrypoint: ["/entry"],
      Cmd: ["a", "b c"],
      Env: ["A=1", "A=2", "B=", "odd", "=x"],
      WorkingDir: "srv//x/../y/",
      User: "app:staff",
      ExposedPorts: { "80": {}, "53/udp": {} },
      Volumes: { "/data/": {}, var: {} },
      StopSignal: "quit",
    };
    expect(config({ config: image })).toEqual({
      argv: ["/entry", "a", "b c"],
      environment: ["A=2", "B="],
      workingDirectory: "/srv/y",
      user: "app:staff",
      ports: ["80/tcp", "53/udp"],
      volumes: ["/data", "/var"],
      stopSignal: "SIGQUIT",
    });
  });

  it("may say nothing at all", () => {
    const nothing = { argv: [], environment: [], workingDirectory: "/", user: "", ports: [], volumes: [], stopSignal: "SIGTERM" };
    for (const value of [{}, { config: null }, { config: {} }, { config: { Cmd: null, Env: null, User: null } }])
      expect(config(value)).toEqual(nothing);
  });

  it.each([
    ["SIGINT", "SIGINT"],
    ["2", "SIGINT"],
    ["37", "SIGRTMIN+3"],
    ["SIGRTMIN+3", "SIGRTMIN+3"],
    ["SIGSTOP", "SIGTERM"],
    ["nonsense", "SIGTERM"],
  ])("names the signal %s", (StopSignal, stopSignal) => expect(config({ config: { StopSignal } })).toMatchObject({ stopSignal }));

  it.each([
    ["no JSON", /not in a known format/],
    ['{"config":{"Cmd":"x"}}', /not in a known format/],
    ['{"config":{"User":"a b"}}', /its user cannot be used/],
    ['{"config":{"User":"a\\nlxc.hook.pre-start = /x"}}', /its user cannot be used/],
    ['{"config":{"WorkingDir":"/\\nlxc.hook.pre-start = /x"}}', /its workingDirectory cannot be used/],
    ['{"config":{"Volumes":{"/\\nlxc.hook.pre-start = /x":{}}}}', /its volumes 0 cannot be used/],
    ['{"config":{"Cmd":["a\\u0000b"]}}', /its argv 0 cannot be used/],
    [JSON.stringify({ config: { Env: [`A=${"x".repeat(100_000)}`] } }), /its environment 0 cannot be used/],
  ])("is of no use: %.40s", (text, reason) => expect(parseImageConfig(text)).toMatch(reason));
});
