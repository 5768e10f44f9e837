import type { HostFacts } from "../host-facts.ts";
import { processIds, readProcFile } from "../proc.ts";
import type { AuditFacts } from "./audit-facts.ts";
import { carelessPorts } from "./careless-ports.ts";
import type { Judgement } from "./check.ts";

/** Something of this computer that leads what comes from outside to an address. */
export type Forward = {
  /** A port, or several ("8000:8010"); absent where all of them lead there. */
  port?: string;
  protocol?: string;
  address: string;
  toPort?: string;
  /** iptables, nft, or the name of a program. */
  by: string;
};
/** `isUnclear`: there are rules that change where packets go, and that we cannot read. */
export type Forwards = { found: Forward[]; isUnclear: boolean };

/** Programs that do nothing but hand connections on, by their names in /proc/PID/comm, which are cut to 15 characters. */
const proxies: ReadonlySet<string> = new Set(["socat", "systemd-socket-", "docker-proxy"]);
const maxShown = 20;

/**
 * Reads the firewall's rules, as each of its tools shows only its own, and the command lines of programs that hand connections on. Of IPv6
 * only what nft has itself is among it.
 * @returns Undefined where no tool could be asked.
 */
export async function readForwards(facts: Pick<HostFacts, "program" | "ask" | "read">): Promise<Forwards | undefined> {
  const ruleset = facts.program("nft") && (await facts.ask("nft", ["--json", "list", "ruleset"]));
  const ofNft = ruleset ? parseNftForwards(ruleset) : undefined;
  const saved = facts.program("iptables-save") && (await facts.ask("iptables-save", ["-t", "nat"]));
  const hasLegacy = (facts.read("/proc/net/ip_tables_names") ?? "").includes("nat");
  const legacy = hasLegacy && facts.program("iptables-legacy-save") && (await facts.ask("iptables-legacy-save", ["-t", "nat"]));
  const parts = [ofNft, ...[saved, legacy].map((text) => (text ? parseIptablesForwards(text) : undefined))].filter(
    (part) => part !== undefined,
  );
  if (parts.length === 0) return undefined;
  return {
    found: [...parts.flatMap(({ found }) => found), ...findProxies()],
    isUnclear: parts.some(({ isUnclear }) => isUnclear) || (hasLegacy && !legacy),
  };
}

/** `-A CHAIN ... -p tcp --dport 8080 -j DNAT --to-destination ADDRESS[:PORT]` (iptables-save(8), iptables-extensions(8)). */
export function parseIptablesForwards(text: string): Forwards {
  const rules = text.split("\n").filter((line) => line.startsWith("-A ") && / -j (DNAT|REDIRECT|NETMAP)\b/.test(line));
  const found = rules.flatMap((line): Forward[] => {
    const [, address, toPort] = / --to-destination (\d+\.\d+\.\d+\.\d+)(?::(\d+(?:-\d+)?))?(?: |$)/.exec(line) ?? [];
    if (address === undefined) return [];
    const port = / --dports? (\S+)/.exec(line)?.[1];
    const protocol = / -p (\w+)/.exec(line)?.[1];
    return [{ address, by: "iptables", ...withDefined({ port, protocol, toPort }) }];
  });
  // What is led to this computer itself concerns no container.
  const others = rules.filter((line) => !line.includes(" -j REDIRECT"));
  return { found, isUnclear: found.length < others.length };
}

/** Rules with the statement `dnat` (libnftables-json(5)). Those of iptables have `xt` in its place, and are iptables-save's to tell. */
export function parseNftForwards(text: string): Forwards {
  const found: Forward[] = [];
  let isUnclear = false;
  for (const { rule } of (JSON.parse(text) as { nftables: { rule?: { expr?: unknown } }[] }).nftables) {
    const expressions = Array.isArray(rule?.expr) ? (rule.expr as Record<string, unknown>[]) : [];
    const dnat = expressions.find((one) => "dnat" in one)?.dnat as { addr?: unknown; port?: unknown } | undefined;
    if (!dnat || dnat.addr === undefined) continue;
    const matches = expressions.flatMap((one) => ("match" in one ? [one.match as NftMatch] : []));
    const matched = matches.find(({ left }) => left?.payload?.field === "dport");
    const port = matched && nftText(matched.right);
    if (typeof dnat.addr !== "string" || (matched && port === undefined)) {
      isUnclear = true;
      continue;
    }
    const protocol = matched?.left?.payload?.protocol;
    const toPort = typeof dnat.port === "number" ? String(dnat.port) : undefined;
    found.push({ address: dnat.addr, by: "nft", ...withDefined({ port, protocol, toPort }) });
  }
  return { found, isUnclear };
}
type NftMatch = { left?: { payload?: { protocol?: string; field?: string } }; right?: unknown };

/** A port, a range, or a set of these. */
function nftText(right: unknown): string | undefined {
  if (typeof right === "number") return String(right);
  const { set, range } = (typeof right === "object" && right !== null ? right : {}) as { set?: unknown; range?: unknown[] };
  if (range) return range.map(String).join(":");
  if (!Array.isArray(set)) return undefined;
  const texts = set.map(nftText);
  return texts.includes(undefined) ? undefined : texts.join(",");
}

function findProxies(): Forward[] {
  return processIds().flatMap((pid) => {
    const name = readProcFile(`/proc/${pid}/comm`)?.trim() ?? "";
    return proxies.has(name) ? parseProxy(name, (readProcFile(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ")) : [];
  });
}

/** `socat TCP-LISTEN:80,fork TCP:ADDRESS:8080`, `docker-proxy -host-port 80 -container-ip ADDRESS`, `systemd-socket-proxyd ADDRESS:80`. */
export function parseProxy(name: string, commandLine: string): Forward[] {
  const port = /(?:LISTEN:|-host-port )(\d+)/i.exec(commandLine)?.[1];
  const targets = [...commandLine.matchAll(/(?:^|[\s:])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?=[\s,]|$)/g)];
  return targets.map(([, address = "", toPort]) => ({ address, by: name, ...withDefined({ port, toPort }) }));
}

/** Which ports of this computer lead into it. */
export function checkForwardedPorts(facts: AuditFacts): Judgement {
  const common = {
    title: "Ports that lead to it",
    why: "What is forwarded can be reached by everybody who reaches this computer, and not only by its containers.",
    fixes: [],
  };
  const configured = facts.entries.flatMap(({ key, value }) =>
    /^lxc\.net\.\d+\.ipv4\.address$/.test(key) ? [value.split("/")[0] ?? ""] : [],
  );
  const addresses = new Set([...configured, ...(facts.running?.ipv4 ?? [])].filter(Boolean));
  if (addresses.size === 0 && !facts.running) {
    return {
      ...common,
      state: "not-applicable",
      summary: "It has no address while it does not run.",
      evidence: ["no lxc.net.N.ipv4.address"],
    };
  }
  if (facts.running?.sharedNamespaces.includes("net")) {
    return { ...common, state: "not-applicable", summary: "Its network is this computer's.", evidence: ["same network namespace"] };
  }
  const { forwards } = facts;
  if (!forwards) {
    return {
      ...common,
      state: "unknown",
      summary: "Neither nft nor iptables could be asked for its rules.",
      evidence: ["nft: not installed or no answer", "iptables-save: not installed or no answer"],
    };
  }
  const found = forwards.found.filter(({ address }) => addresses.has(address));
  const careless = found.filter(({ port, toPort }) => carelessPorts.has(Number(toPort ?? port)));
  const evidence = [
    `its addresses: ${[...addresses].join(", ") || "none"}`,
    ...found.slice(0, maxShown).map((one) => `${one.by}: ${described(one)}`),
    ...(forwards.isUnclear ? ["some rules that change where packets go could not be read"] : []),
  ];
  if (careless.length > 0) {
    const names = careless.map(({ port, toPort }) => carelessPorts.get(Number(toPort ?? port)));
    return { ...common, state: "problem", summary: `${[...new Set(names)].join(", ")} in it can be reached from outside.`, evidence };
  }
  if (found.length > 0) {
    return {
      ...common,
      state: "warning",
      summary: `It can be reached from outside: ${found.slice(0, 5).map(described).join("; ")}.`,
      evidence,
    };
  }
  if (forwards.isUnclear) return { ...common, state: "unknown", summary: "Some rules of the firewall could not be read.", evidence };
  return { ...common, state: "ok", summary: "No port of this computer leads to it.", evidence };
}

function described({ port, protocol, toPort, address }: Forward): string {
  const from = port === undefined ? "all ports" : `port ${port}`;
  const kind = protocol === undefined ? "" : ` (${protocol})`;
  return plain(`${from}${kind} to ${address}${toPort === undefined ? "" : `:${toPort}`}`);
}

/** Command lines are somebody's. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}

function withDefined<T extends Record<string, string | undefined>>(given: T): Partial<Record<keyof T, string>> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Record<keyof T, string>>;
}
