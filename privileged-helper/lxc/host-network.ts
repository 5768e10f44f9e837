import { parseFibTrie } from "./addresses.ts";
import { lastValueOf, parseConfig } from "./config.ts";
import { type Chain, findBlocking, isMasqueraded, type Packet, parseIptablesSave, parseNftRuleset } from "./firewall.ts";
import type { CheckContext, CheckResult, MakeCheck } from "./host-checks.ts";
import type { HostFacts } from "./host-facts.ts";
import { type Fix, type FixStep, firewallSteps, isInterfaceName, sysctlFile } from "./host-fix.ts";
import { installSteps } from "./host-packages.ts";
import { hasSystemd } from "./host-system.ts";
import { type Bridge, parseBridge, readSettings, systemFiles } from "./network.ts";

/** The checks of the way from a container to the world. */
export const networkChecks = {
  bridge: checkBridge,
  dhcp: checkDhcp,
  forwarding: checkForwarding,
  masquerading: checkMasquerading,
  firewall: checkFirewall,
  ipv6: checkIpv6,
} satisfies Record<string, MakeCheck>;

type Network = {
  /** What new containers are connected to, by /etc/lxc/default.conf. */
  link?: string;
  type?: string;
  settings: Record<string, string>;
  /** lxc-net's, where that is what new containers are connected to. */
  bridge?: Bridge;
};

const defaultConfig = "/etc/lxc/default.conf";

function readNetwork(facts: HostFacts): Network {
  const entries = parseConfig(facts.read(defaultConfig) ?? "");
  const settings = readSettings(systemFiles, undefined, facts.read);
  const ofLxcNet = parseBridge(settings);
  const asked = lastValueOf(entries, "lxc.net.0.link");
  const link = asked !== undefined && isInterfaceName(asked) ? asked : undefined;
  return { type: lastValueOf(entries, "lxc.net.0.type"), link, settings, bridge: ofLxcNet?.name === link ? ofLxcNet : undefined };
}

/** What new containers ask for, as evidence. */
function linkEvidence({ type, link }: Network): string[] {
  return [`lxc.net.0.type = ${type ?? "not set"}`, `lxc.net.0.link = ${link ?? "not set"}`].map((text) => `${text} (${defaultConfig})`);
}

/** For containers that have no network by choice, or one that is not lxc-net's. */
function notOurs(network: Network): Pick<CheckResult, "status" | "summary" | "evidence"> | undefined {
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

function restartFix(facts: HostFacts): Fix | undefined {
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
  const isUsed = (facts.read(`/proc/${pid}/cmdline`) ?? "").split("\0").includes(`--conf-file=${systemFiles.dnsmasqConf}`);
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

type Rules = { chains: Chain[]; evidence: string[] };

/** Rules of two makes may be in force at once, and each tool shows only its own. One of them is started where only one is used. */
async function readRules(facts: HostFacts): Promise<Rules | undefined> {
  const chains: Chain[] = [];
  const evidence: string[] = [];
  const add = (source: string, found: Chain[]) => {
    chains.push(...found);
    evidence.push(`${source}: ${found.reduce((sum, { rules }) => sum + rules.length, 0)} rules`);
  };
  const ruleset = facts.program("nft") && (await facts.ask("nft", ["--json", "list", "ruleset"]));
  let needsIptables = true;
  if (ruleset) {
    const { chains: found, hasIptables } = parseNftRuleset(ruleset);
    needsIptables = hasIptables;
    add("nft list ruleset", found);
  }
  const ask = async (tool: "iptables-save" | "iptables-legacy-save") => {
    const text = facts.program(tool) && (await facts.ask(tool, []));
    if (text === undefined) return false;
    add(tool, parseIptablesSave(text));
    return true;
  };
  const isRead = needsIptables ? await ask("iptables-save") : true;
  // Tables that iptables has put into the kernel the old way: nft and a new iptables do not see them.
  const hasLegacy = (facts.read("/proc/net/ip_tables_names") ?? "").trim() !== "";
  if (hasLegacy) await ask("iptables-legacy-save");
  return ruleset || isRead ? { chains, evidence } : undefined;
}

/** Two checks that are made at the same time look at the same rules: one fork for both. */
const reading = new WeakMap<HostFacts, Promise<Rules | undefined>>();
function rulesOf(facts: HostFacts): Promise<Rules | undefined> {
  const known = reading.get(facts);
  if (known) return known;
  const rules = readRules(facts);
  reading.set(facts, rules);
  return rules;
}

async function checkMasquerading({ facts }: CheckContext): Promise<CheckResult> {
  const network = readNetwork(facts);
  const common = {
    title: "Masquerading",
    explanation: "Containers have private addresses. On the way out they get this computer's, so that answers find back.",
  };
  const other = notOurs(network);
  if (other || !network.bridge) return { ...common, ...(other ?? { status: "warning", summary: "This cannot be told.", evidence: [] }) };
  const { bridge } = network;
  const rules = await rulesOf(facts);
  if (!rules) {
    return {
      ...common,
      status: "warning",
      summary: "Neither nft nor iptables can be asked for its rules, so this cannot be told.",
      evidence: ["nft: not installed or no answer", "iptables-save: not installed or no answer"],
      fix: facts.program("iptables") || facts.program("nft") ? undefined : restartFix(facts),
    };
  }
  if (isMasqueraded(rules.chains, bridge.rangeFirst)) {
    return {
      ...common,
      status: "ok",
      summary: "What containers send outside gets this computer's address.",
      evidence: [...rules.evidence, `A masquerade rule covers ${bridge.rangeFirst}`],
    };
  }
  return {
    ...common,
    status: "warning",
    summary: "What containers send outside keeps its private address: no answer comes back.",
    evidence: [...rules.evidence, `No masquerade rule covers ${bridge.rangeFirst}`],
    fix: restartFix(facts),
  };
}

async function checkFirewall({ facts }: CheckContext): Promise<CheckResult> {
  const network = readNetwork(facts);
  const common = {
    title: "Firewall",
    explanation:
      "Firewalls often drop whatever passes through this computer, Docker does so, too. Then containers start, but get no address or reach nothing.",
  };
  const { link } = network;
  if (link === undefined)
    return { ...common, status: "warning", summary: "New containers are given no network by default.", evidence: linkEvidence(network) };
  const rules = await rulesOf(facts);
  if (!rules) {
    return {
      ...common,
      status: "warning",
      summary: "Neither nft nor iptables can be asked for its rules, so it cannot be told whether a firewall is in the way.",
      evidence: ["nft: not installed or no answer", "iptables-save: not installed or no answer"],
    };
  }
  const outside = defaultRouteInterface(facts.read("/proc/net/route") ?? "") ?? "eth0";
  const inside = network.bridge?.rangeFirst;
  const ways: { text: string; hook: "input" | "forward"; packet: Packet }[] = [
    {
      text: "asking this computer for an address (DHCP)",
      hook: "input",
      packet: { iif: link, kind: "broadcast", protocol: "udp", port: 67, state: "new" },
    },
    {
      text: "reaching the world",
      hook: "forward",
      packet: { iif: link, oif: outside, source: inside, kind: "unicast", protocol: "tcp", port: 443, state: "new" },
    },
    {
      text: "getting answers",
      hook: "forward",
      packet: { iif: outside, oif: link, kind: "unicast", protocol: "tcp", port: 50_000, state: "established" },
    },
  ];
  const blocked = ways.flatMap(({ text, hook, packet }) => findBlocking(rules.chains, hook, packet).map((found) => ({ text, ...found })));
  const evidence = [
    ...rules.evidence,
    ...blocked.map(
      ({ text, chain, through }) =>
        `${text}: stopped in ${chain.family} ${chain.table} ${chain.name} (${[...new Set(through)].join(", ")})`,
    ),
  ];
  if (blocked.length === 0) return { ...common, status: "ok", summary: "No rule stops what containers send and get.", evidence };
  const what = [...new Set(blocked.map(({ text }) => text))].join(", ");
  const names = blocked.flatMap(({ chain, through }) => [chain.table, ...through]);
  const owner = firewallOf(names, rules.chains);
  return {
    ...common,
    status: "warning",
    summary: `${owner === undefined ? "A firewall" : owner.title} keeps containers from ${what}.`,
    evidence,
    fix: owner?.fix(link),
  };
}

type Firewall = { title: string; fix(link: string): Fix };

const firewalld: Firewall = {
  title: "firewalld",
  fix: (link) => ({
    summary: `Puts ${link} into firewalld's zone for trusted networks, now and after a restart.`,
    steps: firewallSteps.firewalld.allow(link),
    firewall: { name: "firewalld", link },
  }),
};
const ufw: Firewall = {
  title: "ufw",
  fix: (link) => ({
    summary: `Lets containers on ${link} ask this computer for addresses and names, and reach the world, now and after a restart.`,
    steps: firewallSteps.ufw.allow(link),
    firewall: { name: "ufw", link },
  }),
};
const docker: Firewall = {
  title: "Docker",
  fix: (link) => ({
    summary: `Tells Docker's rules to let ${link} pass. It holds until this computer restarts; then this is offered again.`,
    steps: [
      { tool: "iptables", args: ["--wait", "--insert", "DOCKER-USER", "--in-interface", link, "--jump", "ACCEPT"] },
      { tool: "iptables", args: ["--wait", "--insert", "DOCKER-USER", "--out-interface", link, "--jump", "ACCEPT"] },
    ],
  }),
};

/** Whose rules they are, by the names that each firewall gives to its tables and chains. */
function firewallOf(names: readonly string[], chains: readonly Chain[]): Firewall | undefined {
  if (names.includes("firewalld")) return firewalld;
  if (names.some((name) => name.startsWith("ufw-"))) return ufw;
  const isDocker = chains.some(({ name }) => name === "DOCKER-USER") && names.includes("FORWARD") && !names.includes("INPUT");
  return isDocker ? docker : undefined;
}

/** Lines of `IFACE DESTINATION GATEWAY ...` in hexadecimal; the default route's destination is 0 (proc_pid_net(5), route). */
export function defaultRouteInterface(text: string): string | undefined {
  for (const line of text.split("\n").slice(1)) {
    const [name, destination, , , , , , mask] = line.trim().split(/\s+/);
    if (destination === "00000000" && mask === "00000000") return name;
  }
  return undefined;
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
