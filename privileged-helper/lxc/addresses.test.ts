import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatIpv6, hasDefaultRouteIpv4, hasDefaultRouteIpv6, parseFibTrie, parseIfInet6 } from "./addresses.ts";

const recorded = (name: string) => readFileSync(join(import.meta.dirname, "testdata/proc", name), "utf8");

describe("addresses of a container", () => {
  it("are its own ones of the routing tables, once each, without loopback", () => {
    expect(parseFibTrie(recorded("fib_trie"))).toEqual(["10.0.3.5", "192.168.7.1"]);
    expect(parseFibTrie("")).toEqual([]);
  });

  it("are the IPv6 ones that others can reach: no loopback, no link-local", () => {
    expect(parseIfInet6(recorded("if_inet6"))).toEqual(["2001:db8::1:0:0:1", "fd42::a005"]);
  });

  it("are written as RFC 5952 has them", () => {
    expect(formatIpv6("20010db8000000000000000000000001")).toBe("2001:db8::1");
    expect(formatIpv6("20010db8000000010000000000000001")).toBe("2001:db8:0:1::1");
    expect(formatIpv6("20010db8000100010001000000010001")).toBe("2001:db8:1:1:1:0:1:1");
    expect(formatIpv6("00000000000000000000000000000000")).toBe("::");
    // Of two runs of the same length the first is shortened.
    expect(formatIpv6("20010db8000000000001000000000001")).toBe("2001:db8::1:0:0:1");
  });
});

describe("a way to other networks", () => {
  const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
  it.each([
    ["a default route", "eth0\t00000000\t0103000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", true],
    ["a route to its own network alone", "eth0\t0003000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", false],
    ["half of all addresses", "eth0\t00000000\t0103000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", false],
    ["a default route that refuses", "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n", false],
    ["nothing", "", false],
  ])("of IPv4: %s", (_, lines, expected) => expect(hasDefaultRouteIpv4(head + lines)).toBe(expected));

  const zero = "0".repeat(32);
  const ipv6 = (destination: string, prefix: string, flags: string, name: string) =>
    `${destination} ${prefix} ${zero} 00 ${zero} 00000400 00000001 00000000 ${flags} ${name.padStart(8)}\n`;
  it.each([
    ["a default route", ipv6(zero, "00", "00000003", "eth0"), true],
    ["what every computer without one has", ipv6(zero, "00", "00200200", "lo"), false],
    ["a network", ipv6(`fd00${"0".repeat(28)}`, "40", "00000001", "eth0"), false],
    ["nothing", "", false],
  ])("of IPv6: %s", (_, lines, expected) => expect(hasDefaultRouteIpv6(lines)).toBe(expected));
});
