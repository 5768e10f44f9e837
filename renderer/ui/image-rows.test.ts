import { describe, expect, it } from "vitest";
import type { Catalog, Download, OfferedImage } from "../../privileged-helper/contract/model.ts";
import { colourOf, filterImages, imageRows, initials } from "./image-rows.ts";

let count = 0;
const image = (part: Partial<OfferedImage> = {}): OfferedImage => ({
  id: String(++count),
  server: "https://images.example.org",
  path: "/images/x",
  distribution: "alpine",
  release: "3.22",
  architecture: "amd64",
  variant: "default",
  build: "20261123_13:00",
  ...part,
});
const catalog = (...images: OfferedImage[]): Catalog => ({ architecture: "amd64", servers: [], images });
const downloaded = (of: OfferedImage): Download => ({ image: of, state: "downloaded", bytes: 10 });
const names = (...args: Parameters<typeof imageRows>) => imageRows(...args).map(({ name }) => name);

describe("the rows", () => {
  it("are sorted by distribution, with the newest release, the plain variant and this computer's architecture first", () => {
    const images = [
      image({ distribution: "ubuntu", release: "noble" }),
      image({ release: "3.9" }),
      image({ architecture: "arm64" }),
      image({ variant: "cloud" }),
      image(),
      image({ distribution: "archlinux", release: "current" }),
    ];
    expect(names(catalog(...images), [])).toEqual([
      "Alpine 3.22",
      "Alpine 3.22 arm64",
      "Alpine 3.22 cloud",
      "Alpine 3.9",
      "Arch Linux current",
      "Ubuntu noble",
    ]);
  });

  it("have names of their own, also where two servers or two builds offer the same", () => {
    const [old, other] = [image({ build: "20261101_13:00" }), image({ server: "http://127.0.0.1:8000" })];
    expect(names(catalog(image(), other), [downloaded(old)])).toEqual([
      "Alpine 3.22 from 127.0.0.1:8000",
      "Alpine 3.22 from images.example.org, build 20261123_13:00",
      "Alpine 3.22 from images.example.org, build 20261101_13:00",
    ]);
  });

  it("show what is here although no server offers it any more, and each image once", () => {
    const [offered, gone] = [image(), image({ release: "3.18" })];
    const rows = imageRows(catalog(offered), [downloaded(offered), downloaded(gone)]);
    expect(rows.map(({ name, download }) => [name, download?.state])).toEqual([
      ["Alpine 3.22", "downloaded"],
      ["Alpine 3.18", "downloaded"],
    ]);
    expect(names(undefined, [downloaded(gone)])).toEqual(["Alpine 3.18 amd64"]);
  });
});

it("the filter finds words in any order, in all that a row says", () => {
  const rows = imageRows(catalog(image(), image({ variant: "cloud" }), image({ distribution: "rockylinux", release: "9" })), []);
  const found = (filter: string) => filterImages(rows, filter).map(({ name }) => name);
  expect(found("")).toHaveLength(3);
  expect(found("CLOUD alp")).toEqual(["Alpine 3.22 cloud"]);
  expect(found("rocky linux")).toEqual(["Rocky Linux 9"]);
  expect(found("rockylinux")).toEqual(["Rocky Linux 9"]);
  expect(found("example.org available amd64")).toHaveLength(3);
  expect(found("downloaded")).toEqual([]);
});

it("a distribution has initials and a colour that stays", () => {
  expect(["alpine", "rockylinux", "opensuse", "x"].map(initials)).toEqual(["Al", "RL", "op", "X"]);
  expect(colourOf("alpine")).toBe(colourOf("alpine"));
  const used = new Set(["alpine", "archlinux", "centos", "debian", "fedora", "ubuntu", "opensuse", "kali"].map(colourOf));
  expect(used.size).toBeGreaterThan(4);
});

it("white letters can be read on every colour", () => {
  for (const name of "abcdefghijklmnopqrstuvwxyz") expect(contrastWithWhite(colourOf(name)), colourOf(name)).toBeGreaterThanOrEqual(4.5);
});

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrastWithWhite(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}
