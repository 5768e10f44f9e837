import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { auditFacts } from "../../testing/audit-facts.ts";
import { checkForwardedPorts, type Forward, parseIptablesForwards, parseNftForwards, parseProxy } from "./forwarded-ports.ts";

const recorded = (file: string) => readFileSync(join(import.meta.dirname, "../testdata/firewall", file), "utf8");

describe("what leads to a container", () => {
  it("is read of iptables, and what cannot be read is told", () => {
    const text = [
      "*nat",
      ":PREROUTING ACCEPT [0:0]",
      "-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.3.5:80",
      "-A PREROUTING -p udp -m multiport --dports 53,5353 -j DNAT --to-destination 10.0.3.6",
      "-A PREROUTING -d 192.0.2.1/32 -j DNAT --to-destination 10.0.3.7",
      "-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 8081",
      "COMMIT",
    ];
    expect(parseIptablesForwards(text.join("\n"))).toEqual({
      found: [
        { port: "8080", protocol: "tcp", address: "10.0.3.5", toPort: "80", by: "iptables" },
        { port: "53,5353", protocol: "udp", address: "10.0.3.6", by: "iptables" },
        { address: "10.0.3.7", by: "iptables" },
      ],
      isUnclear: false,
    });
    expect(parseIptablesForwards("-A PREROUTING -j DNAT --to-destination 10.0.3.5-10.0.3.9").isUnclear).toBe(true);
    expect(parseIptablesForwards("-A PREROUTING -d 10.1.0.0/24 -j NETMAP --to 10.0.3.0/24").isUnclear).toBe(true);
    for (const file of ["docker.txt", "ufw.txt", "mixed.txt"]) expect(parseIptablesForwards(recorded(file)).isUnclear).toBe(false);
  });

  it("is read of nft, but for rules that look it up", () => {
    const rule = (...expr: object[]) => ({ rule: { family: "ip", table: "nat", chain: "prerouting", expr } });
    const dport = (right: unknown) => ({ match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right } });
    const parse = (...rules: object[]) => parseNftForwards(JSON.stringify({ nftables: [{ metainfo: {} }, ...rules] }));
    expect(
      parse(
        rule(dport(8080), { dnat: { addr: "10.0.3.5", port: 80 } }),
        rule(dport({ set: [443, { range: [8000, 8010] }] }), { dnat: { addr: "10.0.3.5" } }),
        rule({ counter: {} }, { masquerade: null }),
      ),
    ).toEqual({
      found: [
        { port: "8080", protocol: "tcp", address: "10.0.3.5", toPort: "80", by: "nft" },
        { port: "443,8000:8010", protocol: "tcp", address: "10.0.3.5", by: "nft" },
      ],
      isUnclear: false,
    });
    expect(parse(rule({ dnat: { addr: { map: {} } } })).isUnclear).toBe(true);
    expect(parse(rule(dport("@ports"), { dnat: { addr: "10.0.3.5" } })).isUnclear).toBe(true);
    for (const file of ["lxc-net-nft.json", "firewalld-nft.json"]) expect(parseNftForwards(recorded(file)).found).toEqual([]);
  });

  it("is read of programs that hand connections on", () => {
    expect(parseProxy("socat", "socat TCP-LISTEN:80,fork TCP:10.0.3.5:8080 ")).toEqual([
      { port: "80", address: "10.0.3.5", toPort: "8080", by: "socat" },
    ]);
    expect(parseProxy("systemd-socket-", "/lib/systemd/systemd-socket-proxyd 10.0.3.5:80 ")).toEqual([
      { address: "10.0.3.5", toPort: "80", by: "systemd-socket-" },
    ]);
    expect(parseProxy("socat", "socat - UNIX:/run/x ")).toEqual([]);
  });

  it("is judged by whom it leads to, and never OK where it is not known", () => {
    const forward: Forward = { port: "8080", protocol: "tcp", address: "10.0.3.5", toPort: "80", by: "nft" };
    const judge = (found: Forward[], isUnclear = false) =>
      checkForwardedPorts(auditFacts({ running: { ipv4: ["10.0.3.5"] }, forwards: { found, isUnclear } }));
    expect(judge([forward])).toMatchObject({
      state: "warning",
      summary: "It can be reached from outside: port 8080 (tcp) to 10.0.3.5:80.",
    });
    expect(judge([{ ...forward, toPort: "6379" }])).toMatchObject({
      state: "problem",
      summary: "Redis in it can be reached from outside.",
    });
    expect(judge([{ ...forward, address: "10.0.3.50" }])).toMatchObject({ state: "ok" });
    expect(judge([], true)).toMatchObject({ state: "unknown" });
    expect(checkForwardedPorts(auditFacts({ running: { ipv4: ["10.0.3.5"] } })).state).toBe("unknown");
    expect(checkForwardedPorts(auditFacts()).state).toBe("not-applicable");
    const stopped = auditFacts({ config: "lxc.net.0.ipv4.address = 10.0.3.5/24", forwards: { found: [forward], isUnclear: false } });
    expect(checkForwardedPorts(stopped).state).toBe("warning");
  });
});
