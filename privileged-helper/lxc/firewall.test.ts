import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Chain, contains, findBlocking, isMasqueraded, type Packet, parseIptablesSave, parseNftRuleset } from "./firewall.ts";

/**
 * Recorded on Debian 12 with lxc-net, ufw 0.36 and firewalld 1.3, before and after the commands of the fixes; Docker's is written by
 * hand after what Docker 28 puts there.
 */
const read = (name: string) => readFileSync(join(import.meta.dirname, "testdata/firewall", name), "utf8");
const nft = (name: string) => parseNftRuleset(read(name)).chains;
const iptables = (name: string) => parseIptablesSave(read(name));

const dhcp: Packet = { iif: "lxcbr0", kind: "broadcast", protocol: "udp", port: 67, state: "new" };
const out: Packet = { iif: "lxcbr0", oif: "eth0", source: "10.0.3.2", kind: "unicast", protocol: "tcp", port: 443, state: "new" };
const back: Packet = { iif: "eth0", oif: "lxcbr0", kind: "unicast", protocol: "tcp", port: 50_000, state: "established" };
const blocking = (chains: Chain[]) =>
  [findBlocking(chains, "input", dhcp), findBlocking(chains, "forward", out), findBlocking(chains, "forward", back)].map((found) =>
    found.map(({ chain }) => `${chain.table} ${chain.name}`).join(),
  );

describe("who stops a container's packets", () => {
  it("is nobody where only lxc-net has rules", () => {
    expect(blocking(nft("lxc-net-nft.json"))).toEqual(["", "", ""]);
  });

  it("is ufw, which denies what comes in and passes through, until it is told", () => {
    expect(blocking(iptables("ufw.txt"))).toEqual(["filter INPUT", "filter FORWARD", ""]);
    expect(findBlocking(iptables("ufw.txt"), "input", dhcp)[0]?.through).toContain("ufw-user-input");
    expect(blocking(iptables("ufw-fixed.txt"))).toEqual(["", "", ""]);
  });

  it("is firewalld, which rejects requests for addresses, until the bridge is trusted", () => {
    expect(blocking(nft("firewalld-nft.json"))).toEqual(["firewalld filter_INPUT", "", ""]);
    expect(blocking(nft("firewalld-trusted-nft.json"))).toEqual(["", "", ""]);
  });

  it("is Docker, by the policy of what passes through", () => {
    expect(blocking(iptables("docker.txt"))).toEqual(["", "filter FORWARD", "filter FORWARD"]);
    const allowed = read("docker.txt").replace(
      "-A DOCKER-USER -j RETURN",
      "-A DOCKER-USER -o lxcbr0 -j ACCEPT\n-A DOCKER-USER -i lxcbr0 -j ACCEPT\n-A DOCKER-USER -j RETURN",
    );
    expect(blocking(parseIptablesSave(allowed))).toEqual(["", "", ""]);
  });

  it("is not who stops others: interfaces, ports, states and directions are told apart", () => {
    const filter = (...rules: string[]) =>
      parseIptablesSave(["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ...rules].join("\n"));
    for (const [rule, expected] of [
      ["-A FORWARD -i docker0 -j DROP", ["", "", ""]],
      ["-A FORWARD ! -i lxcbr0 -j DROP", ["", "", "filter FORWARD"]],
      ["-A FORWARD -i lxc+ -j DROP", ["", "filter FORWARD", ""]],
      ["-A FORWARD -s 10.0.3.0/24 -j REJECT --reject-with icmp-port-unreachable", ["", "filter FORWARD", ""]],
      ["-A FORWARD ! -s 10.0.0.0/8 -j DROP", ["", "", "filter FORWARD"]],
      ["-A FORWARD -m conntrack --ctstate INVALID -j DROP", ["", "", ""]],
      ["-A FORWARD -m conntrack --ctstate NEW -j DROP", ["", "filter FORWARD", ""]],
      ["-A INPUT -i lxcbr0 -p udp -m udp --dport 67:68 -j DROP", ["filter INPUT", "", ""]],
      ["-A INPUT -i lxcbr0 -p tcp -m tcp --dport 67 -j DROP", ["", "", ""]],
      ['-A INPUT -m comment --comment "drop -j ACCEPT all" -i lxcbr0 -j DROP', ["filter INPUT", "", ""]],
      ["-A INPUT -m owner --uid-owner 0 -j DROP", ["", "", ""]],
    ] as const) {
      expect(blocking(filter(rule)), rule).toEqual(expected);
    }
  });
});

describe("masquerading", () => {
  it("is found in rules of nft and of iptables", () => {
    expect(isMasqueraded(nft("lxc-net-nft.json"), "10.0.3.2")).toBe(true);
    expect(
      isMasqueraded(
        parseIptablesSave("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.3.0/24 ! -d 10.0.3.0/24 -j MASQUERADE"),
        "10.0.3.2",
      ),
    ).toBe(true);
  });

  it("of another network is not ours", () => {
    expect(isMasqueraded(iptables("docker.txt"), "10.0.3.2")).toBe(false);
    expect(isMasqueraded(nft("lxc-net-nft.json"), "10.0.4.2")).toBe(false);
  });
});

it("knows rules of iptables among those of nft, which cannot say what they mean", () => {
  expect(parseNftRuleset(read("lxc-net-nft.json")).hasIptables).toBe(false);
  const { chains, hasIptables } = parseNftRuleset(read("mixed-nft.json"));
  expect(hasIptables).toBe(true);
  expect(chains.some(({ table }) => table === "nat")).toBe(false);
  expect(isMasqueraded(iptables("mixed.txt"), "172.17.0.2")).toBe(true);
});

it("knows which addresses a network has", () => {
  expect(contains("10.0.3.0/24", "10.0.3.254")).toBe(true);
  expect(contains("10.0.3.0/24", "10.0.4.1")).toBe(false);
  expect(contains("0.0.0.0/0", "192.0.2.1")).toBe(true);
  expect(contains("192.168.1.7", "192.168.1.7")).toBe(true);
  expect(contains("fd00::/8", "10.0.3.1")).toBe(false);
});
