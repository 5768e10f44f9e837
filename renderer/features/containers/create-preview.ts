import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { OciImage, ReadyImage } from "../../../privileged-helper/contract/model.ts";
import type { ImageChoice } from "../../ui/image-choices.ts";
import type { CreateRequest } from "./create-form.ts";

export type PreviewRequest = {
  params: ParamsInputOf<"containers.preview">;
  /** What happens before the commands of the helper, in words. */
  before: string[];
};

/** What happens after them. */
export function textAfter({ firstStart }: PreviewRequest["params"]): string[] {
  return firstStart ? ["Then comes the first start: what runs for it depends on the programs that it has inside."] : [];
}

/** LXC's own configurations are for distributions with such names (contract/methods.ts, templateName). */
const distributionName = /^[a-z0-9][a-z0-9-]{0,31}$/;

/**
 * What is asked to know what Create will do.
 * @param name The container that is looked at, where several are to be made.
 * @param choice The image that is chosen.
 * @param oci What was told of the image of OCI, where it was asked for.
 */
export function toPreview(
  request: CreateRequest,
  name: string,
  choice: ImageChoice | undefined,
  ready: readonly ReadyImage[],
  oci?: OciImage,
): PreviewRequest {
  if (request.method === "containers.create") return { params: { ...request.params, name }, before: [] };
  if (request.method === "archives.create") {
    const { names: _, ...common } = request.params;
    return {
      params: { ...common, name, source: { type: "new-image", origin: "archive" } },
      before: [`The file is handed to the helper, which judges what is in it and unpacks it once. ${unknownYet}`],
    };
  }
  if (request.method === "oci.create") {
    const { reference: _, manifest, application, ...common } = request.params;
    const there = ready.find((one) => one.manifest === manifest && one.unprivileged === common.unprivileged && one.origin === "oci");
    if (manifest !== undefined && there) {
      return { params: { ...common, name, source: { type: "image", image: there.id, ...(application && { application }) } }, before: [] };
    }
    const runs = application ?? oci?.application;
    return {
      params: { ...common, name, source: { type: "new-image", origin: "oci", ...(runs && { application: runs }) } },
      before: [
        ...(runs ? [] : ["What it runs was not asked for in the first step, so that is missing here."]),
        `${request.file ? `skopeo takes its layers out of ${request.file.file.name}` : "skopeo downloads its layers"}, and they are unpacked once. ${unknownYet}`,
      ],
    };
  }
  const { image, ...common } = request.params;
  const row = choice?.from === "server" ? choice.row : undefined;
  const isHere = row?.download?.state === "downloaded";
  const there = ready.find((one) => one.image === image && one.unprivileged === common.unprivileged);
  if (isHere && there) return { params: { ...common, name, source: { type: "image", image: there.id } }, before: [] };
  const distribution = row?.image.distribution ?? "";
  return {
    params: {
      ...common,
      name,
      source: { type: "new-image", origin: "server", ...(distributionName.test(distribution) && { distribution }) },
    },
    before: [
      ...(isHere ? [] : ["The image is downloaded, and compared with the server's checksums."]),
      `Its files are unpacked once. ${unknownYet}`,
    ],
  };
}

const unknownYet = "What is only known then stands below as NEW-IMAGE.";
