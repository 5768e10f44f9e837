import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Layouts of OCI for tests, written by hand: every byte of them can be wrong. */
export type Layout = {
  folder: string;
  /** Names an image of these layers, each a tar archive. */
  addImage(tag: string, layers: readonly Buffer[], config?: object, compress?: (layer: Buffer) => Buffer): AddedImage;
  /** Names a list of images for several computers. */
  addIndex(tag: string, images: readonly { image: AddedImage; os?: string; architecture: string }[]): string;
};
export type AddedImage = { manifest: string; size: number; layers: string[]; config: string };

const mediaType = (kind: string) => `application/vnd.oci.image.${kind}`;

export function createLayout(folder: string): Layout {
  const named: object[] = [];
  const blobs = join(folder, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const put = (bytes: Buffer) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const putJson = (value: object) => put(Buffer.from(JSON.stringify(value)));
  const name = (tag: string, descriptor: object) => {
    named.push({ ...descriptor, annotations: { "org.opencontainers.image.ref.name": tag } });
    writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: named }));
  };
  return {
    folder,
    addImage(tag, layers, config = {}, compress = (layer) => gzipSync(layer)) {
      const stored = layers.map((layer) => ({ mediaType: mediaType("layer.v1.tar+gzip"), ...put(compress(layer)) }));
      const ids = layers.map((layer) => `sha256:${createHash("sha256").update(layer).digest("hex")}`);
      const architecture = process.arch === "x64" ? "amd64" : process.arch;
      const own = putJson({ architecture, os: "linux", config, rootfs: { type: "layers", diff_ids: ids }, history: [] });
      const manifest = putJson({
        schemaVersion: 2,
        mediaType: mediaType("manifest.v1+json"),
        config: { mediaType: mediaType("config.v1+json"), ...own },
        layers: stored,
      });
      name(tag, { mediaType: mediaType("manifest.v1+json"), ...manifest });
      return { manifest: manifest.digest, size: manifest.size, layers: stored.map(({ digest }) => digest), config: own.digest };
    },
    addIndex(tag, images) {
      const manifests = images.map(({ image, os = "linux", architecture }) => ({
        mediaType: mediaType("manifest.v1+json"),
        digest: image.manifest,
        size: image.size,
        platform: { os, architecture },
      }));
      const index = putJson({ schemaVersion: 2, mediaType: mediaType("index.v1+json"), manifests });
      name(tag, { mediaType: mediaType("index.v1+json"), ...index });
      return index.digest;
    },
  };
}
