import { describe, expect, it } from "vitest";
import { parseMountinfo } from "./mountinfo.ts";

describe("mounts", () => {
  it("are read in their order, with the characters that the kernel writes as numbers", () => {
    const text = [
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw",
      "30 22 0:5 / /proc rw - proc proc rw",
      "31 22 0:50 /some\\040part /mnt/a\\040b\\011c\\134d ro - tmpfs none rw,size=1k",
      "",
    ].join("\n");
    expect(parseMountinfo(text).map(({ mountPoint }) => mountPoint)).toEqual(["/", "/proc", "/mnt/a b\tc\\d"]);
    expect(parseMountinfo(text)[0]).toEqual({
      root: "/",
      mountPoint: "/",
      type: "ext4",
      source: "/dev/root",
      options: ["rw", "relatime"],
      superOptions: ["rw"],
    });
    expect(parseMountinfo(text)[2]).toMatchObject({ root: "/some part", options: ["ro"], superOptions: ["rw", "size=1k"] });
  });

  it("are left out where a line is cut short", () => {
    expect(parseMountinfo("22 1 8:1 / /\n22 1 8:1 / / rw -\n\nrubbish - x")).toEqual([]);
  });
});
