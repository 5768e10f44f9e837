import { BlockList, isIP } from "node:net";
import { isLoopbackHost } from "../../../privileged-helper/contract/image-servers.ts";

/**
 * The proxy that a person's environment names for an address of https, by the rules of Go's net/http, so that image servers are reached the
 * way that skopeo reaches registries: `HTTPS_PROXY`, and what `NO_PROXY` takes out of it. This computer is never reached through one.
 * @returns Undefined where there is none. @throws TypeError where what is named is no address of a proxy.
 */
export function proxyFor(url: URL, environment: NodeJS.ProcessEnv = process.env): URL | undefined {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || "";
  const proxy = read("HTTPS_PROXY");
  if (proxy === "" || url.protocol !== "https:" || isLoopbackHost(url.hostname)) return undefined;
  const port = url.port || "443";
  const isTakenOut = read("NO_PROXY")
    .split(",")
    .some((entry) => takesOut(entry.trim().toLowerCase(), url.hostname, port));
  if (isTakenOut) return undefined;
  const named = new URL(proxy.includes("://") ? proxy : `http://${proxy}`);
  if (!["http:", "https:"].includes(named.protocol)) throw new TypeError(`${named.protocol} is not spoken with proxies`);
  return named;
}

/** An entry is `*`, an address, a network, or a domain with all below it; with a dot before it only those. A port may follow. */
function takesOut(entry: string, hostname: string, port: string): boolean {
  if (entry === "*") return true;
  const host = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  const [network = "", prefix] = entry.split("/");
  if (prefix !== undefined) return isIP(network) !== 0 && family === isIP(network) && isInNetwork(host, network, Number(prefix));
  const [, named = entry, namedPort = port] = isIP(entry) ? [] : (/^(.+):(\d+)$/.exec(entry) ?? []);
  if (namedPort !== port) return false;
  const domain = named.replace(/^\[|\]$/g, "").replace(/^\*(?=\.)/, "");
  if (domain === "") return false;
  if (family !== 0) return host === domain;
  return domain.startsWith(".") ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(host: string, network: string, prefix: number): boolean {
  const family = isIP(network) === 6 ? "ipv6" : "ipv4";
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (family === "ipv6" ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list.check(host, family);
}
