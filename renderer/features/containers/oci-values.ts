import { type Application, explainApplication, explainApplicationPart } from "../../../privileged-helper/contract/application.ts";
import type { OciImage } from "../../../privileged-helper/contract/model.ts";
import { formatBytes, formatList } from "../../ui/format.ts";
import type { OciFile } from "./use-oci-file.ts";

/** What a person may change of what an image runs. */
export type ApplicationPart = "argv" | "environment" | "workingDirectory" | "user";

/** Why a part cannot be taken as it is; undefined where it can. */
export function explainPart(application: Application, part: ApplicationPart): string | undefined {
  const isEmpty = part === "argv" ? explainApplication(application) : undefined;
  return isEmpty ?? explainApplicationPart(part, application[part]);
}

/** The first of them, in the order of the fields; an image that was not asked may be as it is. */
export function explainChanges(application: Application | undefined): string | undefined {
  if (!application) return undefined;
  return (["argv", "environment", "workingDirectory", "user"] as const).map((part) => explainPart(application, part)).find(Boolean);
}

/** Why no image of a file can be taken; undefined where one can. */
export function explainOciFile({ file, copy, image, problem }: Pick<OciFile, "file" | "copy" | "image" | "problem">): string | undefined {
  if (file?.size === 0) return "This file is empty.";
  if (problem) return "Choose another file.";
  if (!copy) return "It is still being copied.";
  return image === undefined ? "Choose one of its images." : undefined;
}

/** What an image is, in a sentence or two. */
export function describeImage({ architecture, bytes, layers, createdAt, application: { ports, volumes } }: OciImage): string {
  const made = createdAt === undefined ? "" : `, made on ${day.format(createdAt)}`;
  return [
    `linux/${architecture}, ${formatBytes(bytes)} in ${layers === 1 ? "one layer" : `${layers} layers`}${made}.`,
    ports.length > 0 && `It listens on ${formatList(ports)}.`,
    volumes.length > 0 && `It keeps data in ${formatList(volumes)}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
