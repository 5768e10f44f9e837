import { parseFibTrie } from "./addresses.ts";
import { lastValueOf, parseConfig } from "./config.ts";
import type { CheckContext, CheckResult, MakeCheck } from "./host-checks.ts";
import type { HostFacts } from "./host-facts.ts";
import { type Fix, type FixStep, isInterfaceName, sysctlFile } from "./host-fix.ts";
import { installSteps } from "./host-packages.ts";
import { hasSystemd } from "./host-system.ts";
import { type Bridge, parseBridge, readSettings, systemFiles, usesConfiguration } from "./network.ts";

/** The checks of the way from a container to the world. */
export const networkChecks = {
  bridge: checkBridge,
  dhcp: checkDhcp,
  forwarding: checkForwarding,
  ipv6: checkIpv6,
} satisfies Record<string, MakeCheck>;

export type Network = {
  /** What new containers are connected to, by /etc/lxc/default.conf. */
  link?: string;
  type?: string;
  settings: Record<string, string>;
  /** lxc-net's, where that is what new containers are connected to. */
  bridge?: Bridge;
};

const defaultConfig = "/etc/lxc/default.conf";

/** What new containers are connected to, by LXC's defaults and lxc-net's settings. */
export function readNetwork(facts: HostFacts): Network {
  const entries = parseConfig(facts.read(defaultConfig) ?? "");
  const settings = readSettings(systemFiles, undefined, facts.read);
  const ofLxcNet = parseBridge(settings);
  const asked = lastValueOf(entries, "lxc.net.0.link");
  const link = asked !== undefined && isInterfaceName(asked) ? asked : undefined;
  return { type: lastValueOf(entries, "lxc.net.0.type"), link, settings, bridge: ofLxcNet?.name === link ? ofLxcNet : undefined };
}

/** What new containers ask for, as evidence. */
export function linkEvidence({ type, link }: Network): string[] {
  return [`lxc.net.0.type = ${type ?? "not set"}`, `lxc.net.0.link = ${link ?? "not set"}`].map((text) => `${text} (${defaultConfig})`);
}

/** For containers that have no network by choice, or one that is not lxc-net's. */
export function notOurs(network: Network): Pick<CheckResult, "status" | "summary" | "evidence"> | undefined {
  const { type, link, bridge } = network;
  const evidence = linkEvidence(network);
  if (type === undefined || type === "empty" || type === "none")
    return { status: "warning", summary: "New containers are given no network by default.", evidence };
  if (bridge) return undefined;
  return {
    status: "warning",
    summary: `New containers are on ${link ?? type}, which LXC does not manage: this cannot be told from here.`,
    evidence,
  };
}

/** lxc-net makes the bridge, its rules and its DHCP server together, and only together. Containers that run stay connected. */
function restartSteps(facts: HostFacts): FixStep[] {
  return hasSystemd(facts)
    ? [
        { tool: "systemctl", args: ["enable", "lxc-net.service"] },
        { tool: "systemctl", args: ["restart", "lxc-net.service"] },
      ]
    : [
        { tool: "lxc-net", args: ["stop"], mayFail: true },
        { tool: "lxc-net", args: ["start"] },
      ];
}

/** The fix for whatever lxc-net makes; what it needs for that is installed first. */
export function restartFix(facts: HostFacts): Fix | undefined {
  const isComplete =
    facts.program("dnsmasq") !== undefined && (facts.program("iptables") !== undefined || facts.program("nft") !== undefined);
  const install = isComplete ? [] : installSteps(facts, ["bridge"]);
  return (
    install && {
      summary: `${isComplete ? "Starts" : "Installs what is missing, and starts"} LXC's network anew: bridge, rules and DHCP server. Containers that run stay connected.`,
      steps: [...install, ...restartSteps(facts)],
    }
  );
}

function checkBridge({ facts }: CheckContext): CheckResult {
  const network = readNetwork(facts);
  const { link, type, bridge, settings } = network;
  const common = {
    title: "Network bridge",
    explanation:
      "A bridge is the switch that containers are plugged into. Where it is missing, a container that asks for it does not start.",
  };
  if (type === undefined || type === "empty" || type === "none" || link === undefined) {
    return {
      ...common,
      status: "warning",
      summary: "New containers are given no network by default: they start, and reach nothing.",
      evidence: linkEvidence(network),
    };
  }
  const folder = `/sys/class/net/${link}`;
  const evidence = linkEvidence(network);
  if (!facts.exists(folder)) {
    evidence.push(`${folder}: not there`);
    if (!bridge && link === settings.LXC_BRIDGE) {
      return {
        ...common,
        status: "problem",
        summary: `${link} is not there, and lxc-net is told not to make it.`,
        evidence: [...evidence, `USE_LXC_BRIDGE=${settings.USE_LXC_BRIDGE}: it has to be true in /etc/default/lxc-net`],
      };
    }
    return {
      ...common,
      status: "problem",
      summary: `${link} is not there, so new containers do not start.`,
      evidence,
      fix: bridge && restartFix(facts),
    };
  }
  const flags = Number(facts.read(`${folder}/flags`) ?? Number.NaN);
  if (Number.isNaN(flags)) return { ...common, status: "warning", summary: `Whether ${link} is up cannot be told.`, evidence };
  // IFF_UP (netdevice(7)).
  const isUp = (flags & 1) === 1;
  evidence.push(`${folder}/flags: ${isUp ? "up" : "down"}`);
  const fix = bridge && restartFix(facts);
  if (!isUp) return { ...common, status: "warning", summary: `${link} is down: containers start, and reach nothing.`, evidence, fix };
  if (!bridge) {
    return { ...common, status: "ok", summary: `${link} is up. It is not LXC's own, so its addresses come from elsewhere.`, evidence };
  }
  const range = `${bridge.address}/${bridge.prefix}, addresses for containers ${bridge.rangeFirst} to ${bridge.rangeLast}`;
  evidence.push(`lxc-net's settings: ${range}`);
  if (!parseFibTrie(facts.read("/proc/net/fib_trie") ?? "").includes(bridge.address)) {
    evidence.push(`/proc/net/fib_trie: ${bridge.address} is not an address of this computer`);
    return { ...common, status: "warning", summary: `${link} is up, but does not have its address ${bridge.address}.`, evidence, fix };
  }
  return { ...common, status: "ok", summary: `${link} is up: ${range}.`, evidence };
}

function checkDhcp({ facts }: CheckContext): CheckResult {
  const network = readNetwork(facts);
  const common = {
    title: "DHCP server",
    explanation:
      "It gives containers their addresses. LXC Desktop reserves one for each new container in it, so that the address is there at once.",
  };
  const other = notOurs(network);
  if (other) return { ...common, ...other };
  const pid = Number(facts.read(systemFiles.pid)?.trim());
  const command = pid > 1 ? facts.read(`/proc/${pid}/comm`)?.trim() : undefined;
  const program = facts.program("dnsmasq");
  const evidence = [
    `dnsmasq: ${program ?? "not installed"}`,
    `${systemFiles.pid}: ${pid > 0 ? `${pid}, ${command ?? "has ended"}` : "not there"}`,
  ];
  if (command !== "dnsmasq") {
    return {
      ...common,
      status: "warning",
      summary: "LXC's DHCP server does not run: containers that ask for an address get none.",
      evidence,
      fix: restartFix(facts),
    };
  }
  const isUsed = usesConfiguration(facts.read(`/proc/${pid}/cmdline`) ?? "", systemFiles.dnsmasqConf);
  const count = facts.list(systemFiles.hosts).length;
  return {
    ...common,
    status: "ok",
    summary: isUsed
      ? `It runs, and has ${count === 1 ? "one address" : `${count} addresses`} reserved for containers.`
      : "It runs. Reserved addresses are set up with the first container that wants one.",
    evidence: [...evidence, `It reads the reservations of LXC Desktop: ${isUsed ? "yes" : "not yet"}`],
  };
}

function checkForwarding({ facts }: CheckContext): CheckResult {
  const path = "/proc/sys/net/ipv4/ip_forward";
  const value = facts.read(path)?.trim();
  const common = {
    title: "Forwarding",
    explanation:
      "Between the bridge and the world this computer is a router. Without forwarding, containers reach this computer and nothing beyond.",
    evidence: [`${path}: ${value ?? "not there"}`],
  };
  if (value === "1") return { ...common, status: "ok", summary: "This computer forwards what containers send." };
  if (value === undefined) return { ...common, status: "warning", summary: "Whether this computer forwards cannot be told." };
  return {
    ...common,
    status: "warning",
    summary: "This computer does not forward: containers reach nothing beyond it.",
    fix: {
      summary: `Turns forwarding on, now and after a restart (${sysctlFile("forwarding", "").path}).`,
      files: [sysctlFile("forwarding", "net.ipv4.ip_forward = 1")],
      steps: [{ tool: "sysctl", args: ["--write", "net.ipv4.ip_forward=1"] }],
    },
  };
}

function checkIpv6({ facts }: CheckContext): CheckResult {
  const { settings, bridge, link } = readNetwork(facts);
  const disabledPath = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
  const forwardingPath = "/proc/sys/net/ipv6/conf/all/forwarding";
  const disabled = facts.read(disabledPath)?.trim();
  const forwarding = facts.read(forwardingPath)?.trim();
  const isWanted = bridge !== undefined && [settings.LXC_IPV6_ADDR, settings.LXC_IPV6_MASK, settings.LXC_IPV6_NETWORK].every(Boolean);
  const common = {
    title: "IPv6",
    explanation: "LXC's bridge hands out IPv6 addresses only where lxc-net's settings name a network for it. Without, containers use IPv4.",
    evidence: [
      `${disabledPath}: ${disabled ?? "not there"}`,
      `${forwardingPath}: ${forwarding ?? "not there"}`,
      `lxc-net's settings: ${isWanted ? "IPv6 addresses for containers" : "no IPv6"}`,
    ],
  };
  if (disabled !== "0") {
    const how = disabled === undefined ? "The kernel has no IPv6" : "IPv6 is turned off";
    return isWanted
      ? { ...common, status: "warning", summary: `${how}, but lxc-net is told to hand out IPv6 addresses.` }
      : { ...common, status: "ok", summary: `${how}; containers use IPv4.` };
  }
  if (!isWanted) {
    return {
      ...common,
      status: "ok",
      summary: bridge
        ? "IPv6 is on; LXC's bridge hands out IPv4 addresses only."
        : `IPv6 is on; what ${link ?? "the network"} hands out is not LXC's to say.`,
    };
  }
  if (forwarding !== "1") {
    return {
      ...common,
      status: "warning",
      summary: "Containers have IPv6 addresses, but this computer does not forward IPv6.",
      fix: {
        summary: `Turns forwarding of IPv6 on, now and after a restart (${sysctlFile("forwarding-ipv6", "").path}).`,
        files: [sysctlFile("forwarding-ipv6", "net.ipv6.conf.all.forwarding = 1")],
        steps: [{ tool: "sysctl", args: ["--write", "net.ipv6.conf.all.forwarding=1"] }],
      },
    };
  }
  return { ...common, status: "ok", summary: "Containers get IPv6 addresses, and they are forwarded." };
}
