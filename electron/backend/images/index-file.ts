import { createHash } from "node:crypto";
import type { OfferedImage } from "../../../privileged-helper/contract/model.ts";

/**
 * A server's `meta/1.0/index-system`: a line for each image,
 * `distribution;release;architecture;variant;build;path`, with the path of a folder below the server's own address.
 */
export type IndexFile = { images: OfferedImage[]; skippedLines: number };

export const indexPath = "/meta/1.0/index-system";
/** A real one has some hundred lines. */
const maxImages = 5_000;
const word = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$/;
const buildStamp = /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$/;
const maxPathLength = 400;
const pathPart = /^[A-Za-z0-9_+~-][A-Za-z0-9._:+~-]*$/;

/** What is not understood, or is there twice, is left out and counted. */
export function parseIndex(server: string, text: string): IndexFile {
  const images = new Map<string, OfferedImage>();
  let skippedLines = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const image = parseLine(server, line);
    if (image && !images.has(image.id) && images.size < maxImages) images.set(image.id, image);
    else skippedLines += 1;
  }
  return { images: [...images.values()], skippedLines };
}

function parseLine(server: string, line: string): OfferedImage | undefined {
  const fields = line.split(";");
  const [distribution = "", release = "", architecture = "", variant = "", build = "", rawPath = ""] = fields;
  if (fields.length !== 6 || ![distribution, release, architecture, variant].every((field) => word.test(field))) return undefined;
  const path = rawPath.replace(/^\/?/, "/").replace(/\/$/, "");
  if (!buildStamp.test(build) || !isInside(path)) return undefined;
  return { id: idOf(server, path), server, path, distribution, release, architecture, variant, build, builtAt: timeOf(build) };
}

/** No part of it leads up, is hidden, empty or encoded: it stays below the server's address however it is read. */
function isInside(path: string): boolean {
  return (
    path.length <= maxPathLength &&
    path
      .slice(1)
      .split("/")
      .every((part) => pathPart.test(part))
  );
}

function idOf(server: string, path: string): string {
  return createHash("sha256").update(`${server}\n${path}`).digest("hex").slice(0, 32);
}

/** "20261123_13:00" and "20261123" are times in UTC; other stamps are none. */
function timeOf(build: string): number | undefined {
  const [, year, month, day, hour = "00", minute = "00"] = /^(\d{4})(\d\d)(\d\d)(?:_(\d\d):?(\d\d))?$/.exec(build) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
  return Number.isNaN(time) ? undefined : time;
}
