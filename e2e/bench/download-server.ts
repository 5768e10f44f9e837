/** Serves random bytes at a network's rate; prints its address and their SHA-256. A program of its own, so that it costs its client nothing. */
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const bytes = Number(process.env.BENCH_MEGABYTES) * 1e6;
const bytesPerMillisecond = Number(process.env.BENCH_MEGABYTES_PER_SECOND) * 1e3;
const pieceBytes = 256 * 1024;
const body = randomBytes(bytes);

const server = createServer(async (_request, response) => {
  response.writeHead(200, { "content-length": body.length, "last-modified": new Date(0).toUTCString() });
  const start = performance.now();
  for (let sent = 0; sent < body.length; sent += pieceBytes) {
    const early = sent / bytesPerMillisecond - (performance.now() - start);
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    if (!response.write(body.subarray(sent, sent + pieceBytes))) await new Promise((resolve) => response.once("drain", resolve));
    if (response.destroyed) return;
  }
  response.end();
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/rootfs.tar.xz`, sha256: createHash("sha256").update(body).digest("hex") }));
});
