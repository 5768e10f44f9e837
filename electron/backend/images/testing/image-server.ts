import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Answers a request instead of the file; returns false to let the file be sent after all. */
export type Fault = (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean;

/** An image server on loopback, with whatever files a test puts there and whatever faults it wants. */
export type TestImageServer = {
  url: string;
  /** By path; sent with an entity tag, and in parts where a part is asked for. */
  files: Map<string, Buffer>;
  /** By path; the newest word on how it is answered. */
  faults: Map<string, Fault>;
  /** "GET /path bytes=5-" for each request so far. */
  requests: string[];
  /** Bytes per second for each answer; undefined is as fast as it goes. */
  rate?: number;
  close(): Promise<void>;
};

export async function startImageServer(): Promise<TestImageServer> {
  const files = new Map<string, Buffer>();
  const faults = new Map<string, Fault>();
  const requests: string[] = [];
  const http = createServer((request, response) => {
    const path = request.url ?? "";
    requests.push([request.method, path, request.headers.range].filter(Boolean).join(" "));
    const body = files.get(path);
    if (faults.get(path)?.(request, response, body ?? Buffer.alloc(0))) return;
    if (!body) {
      response.writeHead(404).end("not here");
      return;
    }
    const tag = entityTag(body);
    const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const start = first !== undefined && request.headers["if-range"] === tag ? Number(first) : 0;
    if (start >= body.length && start > 0) {
      response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
      return;
    }
    const headers = { etag: tag, "accept-ranges": "bytes", "content-length": body.length - start };
    response.writeHead(start > 0 ? 206 : 200, {
      ...headers,
      ...(start > 0 && { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` }),
    });
    if (request.method === "HEAD") response.end();
    else if (server.rate === undefined) response.end(body.subarray(start));
    else void sendSlowly(response, body.subarray(start), () => server.rate);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: TestImageServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    files,
    faults,
    requests,
    close() {
      http.closeAllConnections();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
  return server;
}

export function entityTag(body: Buffer): string {
  return `"${sha256(body).slice(0, 16)}"`;
}

export function sha256(body: Buffer | string): string {
  return createHash("sha256").update(body).digest("hex");
}

const slicesPerSecond = 10;
async function sendSlowly(response: ServerResponse, body: Buffer, rate: () => number | undefined) {
  for (let at = 0; at < body.length && !response.destroyed; ) {
    const bytes = Math.ceil((rate() ?? Number.POSITIVE_INFINITY) / slicesPerSecond);
    response.write(body.subarray(at, at + Math.min(bytes, body.length)));
    at += bytes;
    await new Promise((resolve) => setTimeout(resolve, 1000 / slicesPerSecond));
  }
  response.end();
}

/** One real image: two archives of files that are made here, packed by tar and xz. */
export type TestImage = { meta: Buffer; rootfs: Buffer };

/** @param padding Bytes that no compression makes shorter, so that there is something to wait for. */
export function buildImage(padding = 0): TestImage {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-image-"));
  try {
    const pack = (name: string, content: Record<string, Buffer | string>) => {
      const from = join(folder, name);
      for (const [path, body] of Object.entries(content)) {
        mkdirSync(join(from, path, ".."), { recursive: true });
        writeFileSync(join(from, path), body);
      }
      execFileSync("tar", ["--owner=0", "--group=0", "--numeric-owner", "-cJf", `${from}.tar.xz`, "-C", from, "."]);
      return readFileSync(`${from}.tar.xz`);
    };
    return {
      meta: pack("meta", { config: "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\n", "create-message": "Made by a test.\n" }),
      rootfs: pack("rootfs", { "etc/hostname": "LXC_NAME\n", "bin/sh": "#!/bin/true\n", "var/padding": noise(padding) }),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same bytes each time, and none of them to be guessed from the ones before by a compressor. */
function noise(bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let number = 0; number * 32 < bytes; number++) blocks.push(createHash("sha256").update(String(number)).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

/** Puts an image where its line of the index says, with its checksums. @returns That line. */
export function offer(
  server: TestImageServer,
  { meta, rootfs }: TestImage,
  { distribution = "busybox", release = "1", architecture = "amd64", variant = "default", build = "20261123_13:00" } = {},
): { line: string; path: string } {
  const path = `/images/${distribution}/${release}/${architecture}/${variant}/${build}`;
  server.files.set(`${path}/meta.tar.xz`, meta);
  server.files.set(`${path}/rootfs.tar.xz`, rootfs);
  server.files.set(`${path}/SHA256SUMS`, Buffer.from(`${sha256(meta)}  meta.tar.xz\n${sha256(rootfs)}  rootfs.tar.xz\n`));
  const line = `${distribution};${release};${architecture};${variant};${build};${path}/`;
  const index = server.files.get("/meta/1.0/index-system")?.toString() ?? "";
  server.files.set("/meta/1.0/index-system", Buffer.from(`${index}${line}\n`));
  return { line, path };
}
