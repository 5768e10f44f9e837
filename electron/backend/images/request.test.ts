import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { redirectTarget, request, requestText } from "./request.ts";
import { startImageServer, type TestImageServer } from "./testing/image-server.ts";

let server: TestImageServer;
beforeEach(async () => {
  server = await startImageServer();
});
afterEach(() => server.close());

const options = (part: { stallMilliseconds?: number; signal?: AbortSignal } = {}) => ({
  signal: new AbortController().signal,
  stallMilliseconds: 5_000,
  ...part,
});
const read = (path: string, part = {}, maxBytes = 1_000) => requestText(new URL(`${server.url}${path}`), maxBytes, options(part));
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

describe("a small document", () => {
  it("is read whole, and is undefined where there is none", async () => {
    server.files.set("/list", Buffer.from("a;b\n"));
    expect(await read("/list")).toBe("a;b\n");
    expect(await read("/other")).toBeUndefined();
  });

  it("that is too long is not read to its end, whether its length was announced or not", async () => {
    server.files.set("/long", Buffer.alloc(2_000));
    expect(await problemOf(read("/long"))).toMatchObject({ code: "download-failed", reason: "too-large" });
    server.faults.set("/long", (_request, response, body) => {
      response.writeHead(200);
      response.write(body);
      return true;
    });
    expect(await problemOf(read("/long"))).toMatchObject({ reason: "too-large" });
  });

  it("that breaks off is not taken for a shorter one", async () => {
    server.files.set("/list", Buffer.from("a;b\nc;d\n"));
    server.faults.set("/list", (_request, response, body) => {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 4), () => response.destroy());
      return true;
    });
    expect(await problemOf(read("/list"))).toMatchObject({ reason: "broken-off" });
  });

  it("of a server that refuses, stalls or is not there is a problem that says so", async () => {
    server.faults.set("/refused", (_request, response) => Boolean(response.writeHead(503, "Busy").end()));
    expect(await problemOf(read("/refused"))).toMatchObject({ reason: "refused", detail: "It answers 503 Busy" });
    server.faults.set("/silent", () => true);
    expect(await problemOf(read("/silent", { stallMilliseconds: 50 }))).toMatchObject({ reason: "stalled" });
    server.faults.set("/slow", (_request, response) => {
      response.writeHead(200).write("a");
      return true;
    });
    expect(await problemOf(read("/slow", { stallMilliseconds: 50 }))).toMatchObject({ reason: "stalled" });
    await server.close();
    expect(await problemOf(read("/list"))).toMatchObject({ reason: "unreachable", detail: expect.stringContaining("ECONNREFUSED") });
  });

  it("can be cancelled at any time", async () => {
    server.faults.set("/silent", () => true);
    for (const milliseconds of [0, 50]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), milliseconds);
      expect(await problemOf(read("/silent", { signal: controller.signal }))).toEqual({ code: "cancelled" });
    }
    const aborted = AbortSignal.abort();
    expect(await problemOf(read("/silent", { signal: aborted }))).toEqual({ code: "cancelled" });
  });
});

describe("a redirect", () => {
  const redirect = (path: string, location: string) =>
    server.faults.set(path, (_request, response) => Boolean(response.writeHead(302, { location }).end()));

  it("is followed on the same computer, and not in circles", async () => {
    server.files.set("/there", Buffer.from("found"));
    redirect("/here", "/there");
    expect(await read("/here")).toBe("found");
    redirect("/circle", "/circle");
    expect(await problemOf(read("/circle"))).toMatchObject({ reason: "refused", detail: "It redirects in circles." });
    expect(server.requests.filter((line) => line === "GET /circle")).toHaveLength(6);
  });

  it.each(["http://images.example.org/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "//example.org/x"])(
    "to %s is refused before anybody is asked there",
    async (location) => {
      redirect("/away", location);
      expect(await problemOf(request(new URL(`${server.url}/away`), options()))).toMatchObject({ reason: "unsafe-redirect" });
    },
  );

  it("from a server elsewhere leads to https only, never to this computer in the clear", () => {
    const elsewhere = new URL("https://images.example.org/a/b");
    expect(redirectTarget(elsewhere, elsewhere, "../c").href).toBe("https://images.example.org/c");
    expect(redirectTarget(elsewhere, elsewhere, "https://mirror.example.org/x").href).toBe("https://mirror.example.org/x");
    for (const location of ["http://127.0.0.1/x", "http://localhost:631/", "http://[::1]/", "http://mirror.example.org/x"]) {
      expect(() => redirectTarget(elsewhere, elsewhere, location), location).toThrow("download-failed");
    }
    const here = new URL("http://127.0.0.1:8000/");
    expect(redirectTarget(here, here, "https://mirror.example.org/x").href).toBe("https://mirror.example.org/x");
    // Not even by way of this computer's own server.
    expect(() => redirectTarget(elsewhere, here, "/x")).toThrow("download-failed");
  });
});
