import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tarOf } from "../../../privileged-helper/archive/testing/tar.ts";
import { type OciReference, parseOciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { createOciImages } from "../oci/oci-images.ts";
import { createLayout } from "../oci/testing/layout.ts";
import { type Registry, startRegistry } from "../oci/testing/registry.ts";
import { startProxy, type TestProxy } from "../testing/proxy.ts";
import { startImageServer, type TestImageServer } from "./testing/image-server.ts";

/** A real proxy on this computer, and servers that only it knows. */
let folder: string;
let server: TestImageServer;
let proxy: TestProxy;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-proxy-"));
  server = await startImageServer();
  proxy = await startProxy(Number(new URL(server.url).port), folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await proxy.close();
  rmSync(folder, { recursive: true });
});

const program = join(import.meta.dirname, "testing/asking-process.ts");
/** Only at the start of a process Node reads whom to trust. */
async function ask(
  address: string,
  environment: NodeJS.ProcessEnv = {},
  { stall = 60_000, wait = 60_000 } = {},
): Promise<{ text?: string; problem?: object }> {
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: proxy.certificate, HTTPS_PROXY: proxy.url, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program, address, String(stall), String(wait)], {
    env,
    maxBuffer: 20_000_000,
  });
  return JSON.parse(stdout);
}

describe("an image server behind a proxy", () => {
  it("is asked through it, by name and with what it wants to know of a person, and all that it sends comes", async () => {
    const text = "a line of a list\n".repeat(200_000);
    server.files.set("/list", Buffer.from(text));
    expect(await ask("https://images.test/list", { HTTPS_PROXY: proxy.url.replace("//", "//me:se%40cret@") })).toEqual({ text });
    expect(proxy.asked).toEqual([{ to: "images.test:443", authorization: `Basic ${Buffer.from("me:se@cret").toString("base64")}` }]);
    await vi.waitFor(() => expect(proxy.tunnels()).toBe(0), { timeout: 10_000 });
  });

  it("has to prove who it is all the same", async () => {
    server.files.set("/list", Buffer.from("list"));
    for (const [address, trusted] of [
      ["https://images.test/list", undefined],
      ["https://other.test/list", proxy.certificate],
    ] as const) {
      expect(await ask(address, { NODE_EXTRA_CA_CERTS: trusted })).toMatchObject({ problem: { reason: "unreachable" } });
    }
    expect(server.requests).toEqual([]);
  });

  it.each([
    ["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "404 Not Found"],
    ["HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "407 Proxy Authentication Required"],
    ["HTTP/1.1 302 Found\r\nlocation: https://images.test/other\r\ncontent-length: 0\r\n\r\n", "302 Found"],
  ])("is not believed to have said what the proxy says: %j", async (refusal, said) => {
    proxy.refusal = refusal;
    expect(await ask("https://images.test/list")).toMatchObject({
      problem: { code: "download-failed", reason: "unreachable", detail: `The proxy ${new URL(proxy.url).host} answers ${said}` },
    });
    expect(proxy.asked).toHaveLength(1);
  });

  it("is given up with a proxy that is silent, is none, or is not there", async () => {
    proxy.refusal = "";
    expect(await ask("https://images.test/list", {}, { stall: 200 })).toMatchObject({ problem: { reason: "stalled" } });
    expect(await ask("https://images.test/list", {}, { wait: 200 })).toEqual({ problem: { code: "cancelled" } });
    const none = await ask("https://images.test/list", { HTTPS_PROXY: "socks5://127.0.0.1:1" });
    expect(none).toMatchObject({ problem: { reason: "unreachable", detail: expect.stringContaining("HTTPS_PROXY") } });
    expect(await ask("https://images.test/list", { HTTPS_PROXY: "127.0.0.1:1" })).toMatchObject({
      problem: { reason: "unreachable", detail: expect.stringContaining("ECONNREFUSED") },
    });
  });

  it("is not asked through it where NO_PROXY says so, nor is this computer", async () => {
    expect(await ask("https://images.test/list", { NO_PROXY: "test" })).toMatchObject({ problem: { reason: "unreachable" } });
    server.files.set("/list", Buffer.from("list"));
    expect(await ask(`${server.url}/list`, { HTTP_PROXY: proxy.url })).toEqual({ text: "list" });
    expect(proxy.asked).toEqual([]);
  });
});

describe("a registry behind a proxy", () => {
  let registry: Registry;
  let through: TestProxy;
  const layout = () => join(folder, "layout");
  beforeEach(async () => {
    createLayout(layout()).addImage("1", [tarOf({ name: "a", data: "a" })], { Cmd: ["/a"] });
    registry = await startRegistry(layout());
    mkdirSync(join(folder, "registry"));
    through = await startProxy(Number(registry.host.split(":")[1]), join(folder, "registry"));
  });
  afterEach(async () => {
    await registry.close();
    await through.close();
  });

  it("is asked through the same one", async () => {
    vi.stubEnv("HTTPS_PROXY", through.url);
    vi.stubEnv("SSL_CERT_FILE", through.certificate);
    const images = createOciImages({ folder: join(folder, "cache"), stallMilliseconds: 60_000, keptBytes: 1e9 });
    const reference = parseOciReference("registry.test/test/app:1") as OciReference;
    expect(await images.inspect(reference, new AbortController().signal)).toMatchObject({ application: { argv: ["/a"] } });
    expect(new Set(through.asked.map(({ to }) => to))).toEqual(new Set(["registry.test:443"]));
  });
});
