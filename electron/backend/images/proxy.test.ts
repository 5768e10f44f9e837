import { describe, expect, it } from "vitest";
import { proxyFor } from "./proxy.ts";

const address = "https://images.example.org/streams";
const through = (environment: NodeJS.ProcessEnv, url = address) => proxyFor(new URL(url), environment)?.href;

describe("the proxy of a person's environment", () => {
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: "http://proxy:3128" }, "http://proxy:3128/"],
    [{ https_proxy: "http://proxy:3128" }, "http://proxy:3128/"],
    [{ HTTPS_PROXY: "", https_proxy: "proxy:3128" }, "http://proxy:3128/"],
    [{ HTTPS_PROXY: "https://me:secret@proxy" }, "https://me:secret@proxy/"],
    [{ HTTP_PROXY: "http://proxy:3128" }, undefined],
  ])("%j is %s", (environment, proxy) => expect(through(environment)).toBe(proxy));

  it.each(["socks5://proxy:1080", "http://", "://"])("is not %s", (proxy) =>
    expect(() => through({ HTTPS_PROXY: proxy })).toThrow(TypeError),
  );

  it.each(["http://127.0.0.1:8000/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"])("is never asked for %s", (url) => {
    expect(through({ HTTPS_PROXY: "proxy:3128", HTTP_PROXY: "proxy:3128" }, url)).toBeUndefined();
  });

  it.each([
    ["*", address],
    ["a.test, images.example.org", address],
    ["example.org", address],
    [".example.org", address],
    ["*.example.org", address],
    ["EXAMPLE.org:443", address],
    ["example.org:8443", "https://example.org:8443/"],
    ["10.1.2.3", "https://10.1.2.3/"],
    ["10.0.0.0/8", "https://10.1.2.3/"],
    ["fd00::/8", "https://[fd12::1]/"],
    ["fd12::1", "https://[fd12::1]/"],
    ["[fd12::1]:443", "https://[fd12::1]/"],
  ])("is not asked where NO_PROXY is %j and the address %s", (NO_PROXY, url) => {
    expect(through({ HTTPS_PROXY: "proxy:3128", NO_PROXY }, url)).toBeUndefined();
    expect(through({ HTTPS_PROXY: "proxy:3128", no_proxy: NO_PROXY }, url)).toBeUndefined();
  });

  it.each([
    ["", address],
    [" , ", address],
    ["ample.org", address],
    [".images.example.org", address],
    ["example.org:8443", address],
    ["10.0.0.0/8", "https://11.1.2.3/"],
    ["10.0.0.0/99", "https://10.1.2.3/"],
    ["10.1.2", "https://10.1.2.3/"],
    ["2.3", "https://10.1.2.3/"],
    ["10.0.0.0/8", "https://[fd12::1]/"],
  ])("is asked all the same where it is %j and the address %s", (NO_PROXY, url) => {
    expect(through({ HTTPS_PROXY: "proxy:3128", NO_PROXY }, url)).toBe("http://proxy:3128/");
  });
});
