import { describe, expect, it } from "vitest";
import type { Application } from "../../../privileged-helper/contract/application.ts";
import { describeImage, explainChanges, explainOciFile, explainPart } from "./oci-values.ts";

const plain: Application = {
  argv: ["x"],
  environment: ["A=b"],
  workingDirectory: "/",
  user: "",
  ports: [],
  volumes: [],
  stopSignal: "SIGTERM",
};

describe("what an image runs", () => {
  it("may be changed to what can be run", () => {
    expect(explainChanges(plain)).toBeUndefined();
    expect(explainChanges(undefined)).toBeUndefined();
    expect(explainPart({ ...plain, argv: [] }, "argv")).toMatch(/which program/);
    expect(explainPart({ ...plain, environment: ["A"] }, "environment")).toBe("This is not NAME=VALUE.");
    expect(explainPart({ ...plain, workingDirectory: "srv" }, "workingDirectory")).toBe("This is not an absolute path.");
    expect(explainPart({ ...plain, user: "a b" }, "user")).toMatch(/not a user/);
    expect(explainChanges({ ...plain, user: "a b" })).toMatch(/not a user/);
  });

  it("is one of a file once that is copied and looked into", () => {
    const file = new File(["x"], "a.tar");
    const copy = { channel: 1, images: [] };
    expect(explainOciFile({ file: new File([], "a.tar") })).toBe("This file is empty.");
    expect(explainOciFile({ file })).toBe("It is still being copied.");
    expect(explainOciFile({ file, problem: { code: "cancelled" } })).toBe("Choose another file.");
    expect(explainOciFile({ file, copy })).toBe("Choose one of its images.");
    expect(explainOciFile({ file, copy, image: 0 })).toBeUndefined();
  });

  it("is described", () => {
    const image = { title: "app", manifest: "", bytes: 3 * 1024 * 1024, layers: 2, architecture: "amd64" };
    const application = { ...plain, ports: ["80/tcp", "53/udp"], volumes: ["/data"] };
    expect(describeImage({ ...image, application })).toBe(
      "linux/amd64, 3.0 MiB in 2 layers. It listens on 80/tcp and 53/udp. It keeps data in /data.",
    );
    expect(describeImage({ ...image, layers: 1, application: plain })).toBe("linux/amd64, 3.0 MiB in one layer.");
  });
});
