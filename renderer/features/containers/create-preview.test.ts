import { describe, expect, it } from "vitest";
import type { Application } from "../../../privileged-helper/contract/application.ts";
import { methods } from "../../../privileged-helper/contract/methods.ts";
import type { Download, OciImage, ReadyImage } from "../../../privileged-helper/contract/model.ts";
import type { ImageChoice } from "../../ui/image-choices.ts";
import type { CreateRequest } from "./create-form.ts";
import { toPreview } from "./create-preview.ts";

const common = { unprivileged: true, start: true, address: "static", autostart: false } as const;
const id = "0123456789abcdef".repeat(2);
const readyId = "f".repeat(32);
const ready: ReadyImage = {
  id: readyId,
  title: "Alpine",
  origin: "server",
  unprivileged: true,
  bytes: 1,
  createdAt: 0,
  image: id,
  containers: [],
};
const offered = { id, server: "", path: "", distribution: "alpine", release: "3", architecture: "", variant: "", build: "" };
const choose = (state?: Download["state"], distribution = "alpine"): ImageChoice => {
  const image = { ...offered, distribution };
  return { from: "server", row: { image, name: "Alpine 3", ...(state && { download: { image, state, bytes: 1 } }) } };
};
const ofServer: CreateRequest = { method: "catalog.create", params: { ...common, name: "web", image: id } };

function preview(request: CreateRequest, choice?: ImageChoice, images: ReadyImage[] = [], oci?: OciImage) {
  const { params, before } = toPreview(request, "web-1", choice, images, oci);
  return { params: methods["containers.preview"].params.parse(params), before };
}

describe("what is asked of the helper before something is made", () => {
  it("is what is asked to make it, of the first that is made", () => {
    const source = { type: "template", template: "busybox", options: {} } as const;
    const { params, before } = preview({ method: "containers.create", params: { ...common, name: "web", source } });
    expect(params).toEqual({ ...common, name: "web-1", source });
    expect(before).toEqual([]);
  });

  it("tells of an archive that it is one, and in words what is done with it before", () => {
    const file = new File(["x"], "a.tar");
    const request: CreateRequest = { method: "archives.create", params: { ...common, names: ["web-1", "web-2"] }, title: "a", file };
    const { params, before } = preview(request);
    expect(params).toEqual({ ...common, name: "web-1", source: { type: "new-image", origin: "archive" } });
    expect(before).toEqual([expect.stringContaining("unpacks it once")]);
  });

  it("tells of a server's image what its list says, and in words whether it is downloaded before", () => {
    const source = { type: "new-image", origin: "server", distribution: "alpine" };
    expect(preview(ofServer, choose())).toMatchObject({
      params: { source },
      before: [expect.stringContaining("downloaded"), expect.anything()],
    });
    expect(preview(ofServer, choose("downloaded"))).toMatchObject({
      params: { source },
      before: [expect.stringContaining("unpacked once")],
    });
    expect(preview(ofServer, choose("downloaded", "../x")).params.source).toEqual({ type: "new-image", origin: "server" });
  });

  it("tells of an image of OCI what it runs, as far as that is known, and is about the ready image that it has become", () => {
    const manifest = "a".repeat(64);
    const application: Application = {
      argv: ["x"],
      environment: [],
      workingDirectory: "/",
      user: "",
      ports: [],
      volumes: [],
      stopSignal: "SIGTERM",
    };
    const oci: OciImage = { title: "app", manifest, bytes: 1, layers: 1, architecture: "amd64", application };
    const params = { ...common, name: "web", reference: "app" };
    const unknown = preview({ method: "oci.create", params });
    expect(unknown.params.source).toEqual({ type: "new-image", origin: "oci" });
    expect(unknown.before[0]).toContain("not asked for");
    const looked: CreateRequest = { method: "oci.create", params: { ...params, manifest } };
    expect(preview(looked, undefined, [], oci).params.source).toEqual({ type: "new-image", origin: "oci", application });
    const changed = { ...application, argv: ["y"] };
    const wanted: CreateRequest = { method: "oci.create", params: { ...params, manifest, application: changed } };
    expect(preview(wanted, undefined, [], oci).params.source).toMatchObject({ application: changed });
    const made: ReadyImage = { ...ready, origin: "oci", manifest, application };
    expect(preview(wanted, undefined, [made], oci).params.source).toEqual({ type: "image", image: readyId, application: changed });
    expect(preview(looked, undefined, [{ ...made, unprivileged: false }], oci).params.source).toMatchObject({ type: "new-image" });
  });

  it("is about the ready image that a server's has become, if it is as private", () => {
    expect(preview(ofServer, choose("downloaded"), [ready]).params.source).toEqual({ type: "image", image: readyId });
    expect(preview(ofServer, choose("downloaded"), [{ ...ready, unprivileged: false }]).params.source).toMatchObject({ type: "new-image" });
  });
});
