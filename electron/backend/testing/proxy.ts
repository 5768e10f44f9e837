import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** A proxy on loopback, behind which one server of this computer's stands for all that there are in `.test`, with a certificate. */
export type TestProxy = {
  url: string;
  /** Whoever trusts this file trusts the server behind it. */
  certificate: string;
  /** Host and port of each tunnel that was asked for, and what was said of the one who asks. */
  asked: { to: string; authorization?: string }[];
  /** What it answers instead of making a tunnel; "" is nothing at all. */
  refusal?: string;
  /** Tunnels that are there now. */
  tunnels(): number;
  close(): Promise<void>;
};

/** @param port The server, which speaks plain http. @param folder For the certificate. */
export async function startProxy(port: number, folder: string): Promise<TestProxy> {
  const key = join(folder, "key.pem");
  const certificate = join(folder, "certificate.pem");
  const subject = ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:images.test,DNS:registry.test"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", ...subject].concat([
      "-keyout",
      key,
      "-out",
      certificate,
    ]),
    { stdio: "ignore" },
  );
  const secret = { key: readFileSync(key), cert: readFileSync(certificate) };
  const open = new Set<Duplex>();
  const server = createServer();
  server.on("connect", (request, socket, head) => {
    const authorization = request.headers["proxy-authorization"];
    proxy.asked.push({ to: request.url ?? "", ...(authorization !== undefined && { authorization }) });
    socket.on("error", () => {});
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    if (proxy.refusal === "") return;
    if (proxy.refusal !== undefined) return void socket.end(proxy.refusal);
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    socket.unshift(head);
    const inside = new TLSSocket(socket, { isServer: true, ...secret });
    const there = connect(port, "127.0.0.1");
    for (const [one, other] of [[inside, there] as const, [there, inside] as const]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: TestProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate,
    asked: [],
    tunnels: () => open.size,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
