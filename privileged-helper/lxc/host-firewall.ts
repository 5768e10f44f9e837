import { type Chain, findBlocking, isMasqueraded, type Packet, parseIptablesSave, parseNftRuleset } from "./firewall.ts";
import type { CheckContext, CheckResult, MakeCheck } from "./host-checks.ts";
import type { HostFacts } from "./host-facts.ts";
import { type Fix, firewallSteps } from "./host-fix.ts";
import { linkEvidence, notOurs, readNetwork, restartFix } from "./host-network.ts";

/** The checks of the rules that packets of containers meet on their way. */
export const firewallChecks = { masquerading: checkMasquerading, firewall: checkFirewall } satisfies Record<string, MakeCheck>;

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

const rulesUnknown = {
  status: "warning" as const,
  evidence: ["nft: not installed or no answer", "iptables-save: not installed or no answer"],
};

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
      ...rulesUnknown,
      summary: "Neither nft nor iptables can be asked for its rules, so this cannot be told.",
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
      ...rulesUnknown,
      summary: "Neither nft nor iptables can be asked for its rules, so it cannot be told whether a firewall is in the way.",
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
