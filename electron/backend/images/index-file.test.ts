import { describe, expect, it } from "vitest";
import { parseIndex } from "./index-file.ts";

const server = "https://images.example.org";
const alpine = "alpine;3.22;amd64;default;20261123_13:00;/images/alpine/3.22/amd64/default/20261123_13:00/";

describe("a server's index", () => {
  it("is a line for each image", () => {
    const { images, skippedLines } = parseIndex(server, `${alpine}\nopensuse;tumbleweed;arm64;cloud;20261122;images/opensuse\n\n`);
    expect(skippedLines).toBe(0);
    expect(images).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        server,
        path: "/images/alpine/3.22/amd64/default/20261123_13:00",
        distribution: "alpine",
        release: "3.22",
        architecture: "amd64",
        variant: "default",
        build: "20261123_13:00",
        builtAt: Date.UTC(2026, 10, 23, 13),
      },
      expect.objectContaining({ path: "/images/opensuse", builtAt: Date.UTC(2026, 10, 22) }),
    ]);
  });

  it("gives the same image the same name, and another server's or another build another one", () => {
    const idFrom = (from: string, line: string) => parseIndex(from, line).images[0]?.id;
    expect(idFrom(server, alpine)).toBe(idFrom(server, alpine.slice(0, -1)));
    expect(idFrom("https://other.example.org", alpine)).not.toBe(idFrom(server, alpine));
    expect(idFrom(server, alpine.replaceAll("20261123", "20261124"))).not.toBe(idFrom(server, alpine));
  });

  it.each([
    ["too few fields", "alpine;3.22;amd64;default;20261123_13:00"],
    ["too many fields", `${alpine};more`],
    ["an empty field", alpine.replace("3.22", "")],
    ["a space", alpine.replace("3.22", "3 22")],
    ["markup", alpine.replace("alpine;", "<b>alpine</b>;")],
    ["a control character", alpine.replace("alpine;", "al\u001bpine;")],
    ["a very long field", alpine.replace("default", "d".repeat(65))],
    ["a field that looks like an option", alpine.replace("alpine;", "-alpine;")],
    ["a path that leads up", "a;1;amd64;default;20261123;/images/../../etc"],
    ["a path that leads up at its start", "a;1;amd64;default;20261123;../images"],
    ["an encoded path", "a;1;amd64;default;20261123;/images/%2e%2e/x"],
    ["a backslash", "a;1;amd64;default;20261123;/images\\..\\x"],
    ["another server", "a;1;amd64;default;20261123;//evil.example.org/x"],
    ["a full address", "a;1;amd64;default;20261123;https://evil.example.org/x"],
    ["a query", "a;1;amd64;default;20261123;/images?x=1"],
    ["a fragment", "a;1;amd64;default;20261123;/images#x"],
    ["no path", "a;1;amd64;default;20261123;/"],
    ["a very long path", `a;1;amd64;default;20261123;/${"p".repeat(500)}`],
    ["something else altogether", "<!doctype html><title>It works!</title>"],
  ])("with %s in a line is read without that line", (_what, line) => {
    expect(parseIndex(server, `${line}\n${alpine}`)).toMatchObject({ skippedLines: 1, images: [{ distribution: "alpine" }] });
  });

  it("counts what is there twice, and what is more than anybody would look at", () => {
    expect(parseIndex(server, `${alpine}\n${alpine}`)).toMatchObject({ skippedLines: 1, images: { length: 1 } });
    const many = Array.from({ length: 6_000 }, (_none, number) => `a;${number};amd64;default;20261123;/i/${number}`);
    expect(parseIndex(server, many.join("\n"))).toMatchObject({ skippedLines: 1_000, images: { length: 5_000 } });
  });

  it("has no time where the stamp is none", () => {
    for (const stamp of ["latest", "20261399", "v1.2"]) {
      expect(parseIndex(server, alpine.replace(";20261123_13:00;", `;${stamp};`)).images[0]?.builtAt, stamp).toBeUndefined();
    }
  });
});
