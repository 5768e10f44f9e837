import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatIpv6, parseFibTrie, parseIfInet6 } from "./addresses.ts";

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
