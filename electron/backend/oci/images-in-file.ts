import * as z from "zod";
import { readTar } from "../../../privileged-helper/archive/tar-reader.ts";
import type { OciFile } from "../../../privileged-helper/contract/model.ts";
import { ociTitle, parseOciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { withLayer } from "./decompress.ts";

/** What `docker save` writes beside its layers (moby's image/spec). */
const dockerManifest = z.array(z.object({ RepoTags: z.array(z.string()).nullish() })).min(1);
/** The table of contents of a layout (image-spec's image-layout.md). */
const ociIndex = z.object({ manifests: z.array(z.object({ annotations: z.record(z.string(), z.string()).nullish() })).min(1) });

const nameAnnotation = "org.opencontainers.image.ref.name";
const maxTitle = 200;
const maxTextBytes = 4 * 1024 * 1024;

/**
 * The images in an archive, compressed or not, of `docker save` or of a layout of OCI; newer ones of `docker save` are both.
 * @throws ProblemError `archive-refused` where it is none, `not-supported` where none of its images can be chosen.
 */
export async function imagesInFile(path: string): Promise<OciFile> {
  const texts = await textsIn(path, ["manifest.json", "index.json", "oci-layout"]);
  const docker = parse(dockerManifest, texts.get("manifest.json"));
  if (docker) {
    return { images: docker.map(({ RepoTags }, index) => toImage(`docker-archive:${path}`, docker.length, RepoTags?.[0], index)) };
  }
  const oci = texts.has("oci-layout") ? parse(ociIndex, texts.get("index.json")) : undefined;
  if (!oci) throw new ProblemError({ code: "archive-refused", entry: "", reason: "no-image" });
  const names = oci.manifests.map(({ annotations }) => annotations?.[nameAnnotation]);
  if (names.length === 1) return { images: [{ reference: `oci-archive:${path}`, title: titleOf(names[0], 0) }] };
  const images = [...new Set(names)].flatMap((name, index) => {
    const reference = `oci-archive:${path}:${name}`;
    return name !== undefined && typeof parseOciReference(reference) !== "string" ? [{ reference, title: titleOf(name, index) }] : [];
  });
  if (images.length > 0) return { images };
  throw new ProblemError({
    code: "not-supported",
    what: `This archive holds ${names.length} images, none of which has a name of its own that it could be chosen by. Save the one alone.`,
  });
}

/** Small files at the top of an archive, by their names. */
async function textsIn(path: string, names: readonly string[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  await withLayer(path, (bytes) =>
    readTar(bytes, async (entry, readData) => {
      const name = entry.name.replace(/^\.\//, "");
      if (!names.includes(name) || entry.type !== "file" || entry.size > maxTextBytes) return;
      const pieces: Buffer[] = [];
      for await (const piece of readData()) pieces.push(Buffer.from(piece));
      texts.set(name, Buffer.concat(pieces).toString("utf8"));
    }),
  );
  return texts;
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}

/** By its name, so that what is made of it is called so; by its place where it has none that can be written. */
function toImage(archive: string, count: number, name: string | undefined, index: number): OciFile["images"][number] {
  const named = `${archive}:${name}`;
  const reference = name === undefined ? undefined : parseOciReference(named);
  if (reference !== undefined && typeof reference !== "string") return { reference: named, title: ociTitle(reference) };
  return { reference: count === 1 ? archive : `${archive}:@${index}`, title: titleOf(name, index) };
}

function titleOf(name: string | undefined, index: number): string {
  return name?.replace(/\p{C}/gu, "").slice(0, maxTitle) || `Image ${index + 1}`;
}
