import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A registry on this computer (OCI distribution specification, only what a download needs) that serves one layout of OCI. */
export type Registry = {
  /** Host and port. */
  host: string;
  /** What was asked for, a line each: method and path. */
  asked: string[];
  /** Decides about a blob: sends something else in its place, or nothing at all. Undefined: all is well. */
  faulty?: (digest: string, response: ServerResponse) => boolean;
  /** Takes questions and answers none. */
  isSilent: boolean;
  close(): Promise<void>;
};

/** @param layout A folder whose index names each image by a tag; every repository has all of them. */
export async function startRegistry(layout: string): Promise<Registry> {
  const blob = (digest: string) => join(layout, "blobs", ...digest.split(":"));
  const registry: Registry = { host: "", asked: [], isSilent: false, close };
  const server: Server = createServer((request, response) => {
    registry.asked.push(`${request.method} ${request.url}`);
    if (registry.isSilent) return;
    const [, kind, name = ""] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? "") ?? [];
    if (request.url === "/v2/") return void response.end("{}");
    const digest = kind === "manifests" && !name.startsWith("sha256:") ? digestOfTag(layout, name) : name;
    if (kind === undefined || digest === undefined || !existsSync(blob(digest))) {
      response.writeHead(404, { "content-type": "application/json" });
      return void response.end(
        JSON.stringify({ errors: [{ code: kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN", message: "unknown" }] }),
      );
    }
    if (kind === "blobs" && registry.faulty?.(digest, response)) return;
    const bytes = readFileSync(blob(digest));
    const type = kind === "blobs" ? "application/octet-stream" : mediaTypeOf(bytes);
    response.writeHead(200, { "content-type": type, "content-length": bytes.length, "docker-content-digest": digest });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  async function close() {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return registry;
}

type Index = { manifests: { digest: string; annotations?: Record<string, string> }[] };

function digestOfTag(layout: string, tag: string): string | undefined {
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as Index;
  return manifests.find(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === tag)?.digest;
}

function mediaTypeOf(bytes: Buffer): string {
  const { mediaType, manifests } = JSON.parse(bytes.toString("utf8")) as { mediaType?: string; manifests?: unknown };
  return mediaType ?? `application/vnd.oci.image.${manifests ? "index" : "manifest"}.v1+json`;
}
