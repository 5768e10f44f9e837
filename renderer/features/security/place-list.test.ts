import { describe, expect, it } from "vitest";
import { explainPlace } from "./place-list.tsx";

const places = [{ path: "/var/lib", kept: "disk" } as const];

describe("one more writable place", () => {
  it("is a folder that neither is, holds, nor lies in one of the others", () => {
    expect(explainPlace(places, "/srv/app")).toBeUndefined();
    expect(explainPlace(places, "/var/library")).toBeUndefined();
    for (const path of ["/var/lib", "/var", "/var/lib/app"]) expect(explainPlace(places, path)).toContain("already");
  });

  it("is no root, no made-up file system, and has nothing in it that a line of a configuration would read otherwise", () => {
    for (const path of ["/", "srv", "/srv/", "/a/../b", "/a b", "/proc/x", "/dev", "/a\nb", "/a,b", ""])
      expect(explainPlace([], path)).toContain("Type");
  });
});
