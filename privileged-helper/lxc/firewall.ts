/**
 * The firewall's rules as far as they decide about a container's packets. They are read from what `nft --json list ruleset` and
 * `iptables-save` print (libnftables-json(5), iptables-save(8)).
 */
export type Chain = {
  family: string;
  table: string;
  name: string;
  /** Only of a chain that the kernel itself calls: where in a packet's way. */
  hook?: string;
  policy?: "accept" | "drop";
  rules: Rule[];
};

export type Rule = {
  conditions: Condition[];
  verdict: { type: "accept" | "drop" | "masquerade" | "return" | "none" } | { type: "jump" | "goto"; chain: string };
};

/** `unknown` ones are never met: a rule that cannot be understood is taken to be about something else. */
type Condition =
  | { about: "iif" | "oif"; values: string[]; isNegated: boolean }
  | { about: "source" | "destination"; network: string; isNegated: boolean }
  | { about: "protocol" | "state" | "kind"; values: string[]; isNegated: boolean }
  | { about: "port"; values: string[]; isNegated: boolean }
  | { about: "unknown" };

export type Packet = {
  iif: string;
  oif?: string;
  source?: string;
  /** Whom it is for, as the kernel's routing sees it: a request for an address is for everybody. */
  kind: "unicast" | "broadcast";
  protocol: string;
  port: number;
  state: "new" | "established";
};

const nowhere: Rule["verdict"] = { type: "none" };

/** @param text Of iptables-save, or iptables-legacy-save. */
export function parseIptablesSave(text: string): Chain[] {
  const chains = new Map<string, Chain>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared?.[1]) {
      const [, name, policy] = declared;
      const isBase = policy !== "-";
      chains.set(`${table} ${name}`, {
        family: "ip",
        table,
        name,
        ...(isBase && { hook: name.toLowerCase(), policy: policy === "DROP" ? "drop" : "accept" }),
        rules: [],
      });
    }
    const added = /^-A (\S+) ?(.*)$/.exec(line);
    if (added?.[1]) chains.get(`${table} ${added[1]}`)?.rules.push(parseIptablesRule(added[2] ?? ""));
  }
  return [...chains.values()];
}

/** Options that say nothing about which packets are meant, and how many words follow them. */
const iptablesRemarks: Record<string, number> = { "-m": 1, "--comment": 1, "--reject-with": 1, "--checksum-fill": 0, "--log-prefix": 1 };

function parseIptablesRule(text: string): Rule {
  const words = (text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((word) => word.replace(/^"|"$/g, ""));
  const conditions: Condition[] = [];
  let verdict = nowhere;
  let isNegated = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "!") {
      isNegated = true;
      continue;
    }
    const skipped = iptablesRemarks[word];
    const value = words[index + 1] ?? "";
    if (skipped !== undefined) index += skipped;
    else {
      index++;
      if (word === "-i") conditions.push({ about: "iif", values: [value], isNegated });
      else if (word === "-o") conditions.push({ about: "oif", values: [value], isNegated });
      else if (word === "-s") conditions.push({ about: "source", network: value, isNegated });
      else if (word === "-d") conditions.push({ about: "destination", network: value, isNegated });
      else if (word === "-p") conditions.push({ about: "protocol", values: [value], isNegated });
      else if (word === "--dport" || word === "--dports") conditions.push({ about: "port", values: value.split(","), isNegated });
      else if (word === "--ctstate" || word === "--state")
        conditions.push({ about: "state", values: value.toLowerCase().split(","), isNegated });
      else if (word === "--dst-type") conditions.push({ about: "kind", values: value.toLowerCase().split(","), isNegated });
      else if (word === "-j") verdict = iptablesVerdict(value);
      else if (word === "-g") verdict = { type: "goto", chain: value };
      else conditions.push({ about: "unknown" });
    }
    isNegated = false;
  }
  return { conditions, verdict };
}

function iptablesVerdict(target: string): Rule["verdict"] {
  if (target === "ACCEPT") return { type: "accept" };
  if (target === "DROP" || target === "REJECT") return { type: "drop" };
  if (target === "MASQUERADE" || target === "SNAT") return { type: "masquerade" };
  if (target === "RETURN") return { type: "return" };
  if (/^[A-Z]+$/.test(target) && !target.includes("-") && knownTargets.has(target)) return nowhere;
  return { type: "jump", chain: target };
}
/** Targets that let the packet go on (iptables-extensions(8)). */
const knownTargets: ReadonlySet<string> = new Set([
  "LOG",
  "NFLOG",
  "MARK",
  "CONNMARK",
  "CHECKSUM",
  "TCPMSS",
  "CT",
  "NOTRACK",
  "AUDIT",
  "SET",
]);

/**
 * @param text Of `nft --json list ruleset`.
 * @returns Chains, and whether some are written by iptables: nft cannot say what those mean, iptables-save can.
 */
export function parseNftRuleset(text: string): { chains: Chain[]; hasIptables: boolean } {
  const { nftables } = JSON.parse(text) as { nftables: Record<string, Json>[] };
  const chains = new Map<string, Chain>();
  const ofIptables = new Set<string>();
  const key = (one: Json) => `${one.family} ${one.table}`;
  for (const { chain } of nftables) {
    if (!chain) continue;
    chains.set(`${key(chain)} ${chain.name}`, {
      family: String(chain.family),
      table: String(chain.table),
      name: String(chain.name),
      ...(chain.hook !== undefined && { hook: String(chain.hook), policy: chain.policy === "drop" ? "drop" : "accept" }),
      rules: [],
    });
  }
  for (const { rule } of nftables) {
    if (!rule || !Array.isArray(rule.expr)) continue;
    const expressions = rule.expr as Json[];
    if (expressions.some((one) => "xt" in one)) ofIptables.add(key(rule));
    chains.get(`${key(rule)} ${rule.chain}`)?.rules.push(parseNftRule(expressions));
  }
  const own = [...chains.values()].filter(({ family, table }) => !ofIptables.has(`${family} ${table}`));
  return { chains: own, hasIptables: ofIptables.size > 0 };
}

type Json = Record<string, unknown>;

function parseNftRule(expressions: readonly Json[]): Rule {
  const conditions: Condition[] = [];
  let verdict = nowhere;
  for (const expression of expressions) {
    if ("match" in expression) conditions.push(parseNftMatch(expression.match as Json));
    else if ("accept" in expression) verdict = { type: "accept" };
    else if ("drop" in expression || "reject" in expression) verdict = { type: "drop" };
    else if ("masquerade" in expression || "snat" in expression) verdict = { type: "masquerade" };
    else if ("return" in expression) verdict = { type: "return" };
    else if ("jump" in expression) verdict = { type: "jump", chain: String((expression.jump as Json).target) };
    else if ("goto" in expression) verdict = { type: "goto", chain: String((expression.goto as Json).target) };
    else if (!["counter", "log", "mangle", "limit", "comment"].some((name) => name in expression)) conditions.push({ about: "unknown" });
  }
  return { conditions, verdict };
}

function parseNftMatch({ op, left, right }: Json): Condition {
  if (op !== "==" && op !== "!=" && op !== "in") return { about: "unknown" };
  const isNegated = op === "!=";
  const values = nftValues(right);
  const { meta, ct, payload, fib } = (typeof left === "object" && left !== null ? left : {}) as Record<string, Json | undefined>;
  if (meta?.key === "iifname" || meta?.key === "iif") return { about: "iif", values, isNegated };
  if (meta?.key === "oifname" || meta?.key === "oif") return { about: "oif", values, isNegated };
  if (meta?.key === "l4proto") return { about: "protocol", values, isNegated };
  if (ct?.key === "state") return { about: "state", values, isNegated };
  if (fib?.result === "type" && nftValues(fib.flags).includes("daddr")) return { about: "kind", values, isNegated };
  if (payload?.field === "dport") return { about: "port", values, isNegated };
  if (payload?.protocol === "ip" && (payload.field === "saddr" || payload.field === "daddr") && values.length === 1)
    return { about: payload.field === "saddr" ? "source" : "destination", network: values[0] ?? "", isNegated };
  return { about: "unknown" };
}

/** A value, a list, a set, or a prefix. */
function nftValues(right: unknown): string[] {
  if (Array.isArray(right)) return right.flatMap(nftValues);
  if (typeof right !== "object" || right === null) return [String(right)];
  const { set, prefix, range } = right as { set?: unknown; prefix?: { addr: string; len: number }; range?: [number, number] };
  if (set !== undefined) return nftValues(set);
  if (prefix) return [`${prefix.addr}/${prefix.len}`];
  if (range) return [`${range[0]}:${range[1]}`];
  return [];
}

/** Chains that stop a packet at this hook; each of the kernel's chains there has to let it pass. */
export function findBlocking(chains: readonly Chain[], hook: "input" | "forward", packet: Packet): { chain: Chain; through: string[] }[] {
  return chains
    .filter((chain) => chain.hook === hook && (chain.family === "ip" || chain.family === "inet"))
    .filter(({ table, family }) => family === "inet" || (table !== "nat" && table !== "mangle" && table !== "raw"))
    .flatMap((chain) => {
      const through: string[] = [];
      const verdict = walk(chains, chain, packet, through, 0) ?? chain.policy;
      return verdict === "drop" ? [{ chain, through }] : [];
    });
}

const deepestJump = 16;

/** @returns undefined where the chain comes to its end. */
function walk(chains: readonly Chain[], chain: Chain, packet: Packet, through: string[], depth: number): "accept" | "drop" | undefined {
  if (depth > deepestJump) return undefined;
  through.push(chain.name);
  for (const { conditions, verdict } of chain.rules) {
    if (!conditions.every((condition) => isMet(condition, packet))) continue;
    if (verdict.type === "accept" || verdict.type === "drop") return verdict.type;
    if (verdict.type === "return") return undefined;
    if (verdict.type === "jump" || verdict.type === "goto") {
      const next = chains.find(({ family, table, name }) => family === chain.family && table === chain.table && name === verdict.chain);
      const result = next && walk(chains, next, packet, through, depth + 1);
      if (result || verdict.type === "goto") return result;
    }
  }
  return undefined;
}

function isMet(condition: Condition, { iif, oif, source, kind, protocol, port, state }: Packet): boolean {
  if (condition.about === "unknown") return false;
  return isMetAsWritten() !== condition.isNegated;

  function isMetAsWritten(): boolean {
    switch (condition.about) {
      case "iif":
        return condition.values.some((value) => matchesInterface(value, iif));
      case "oif":
        return oif !== undefined && condition.values.some((value) => matchesInterface(value, oif));
      case "source":
        return source !== undefined && contains(condition.network, source);
      case "destination":
        // Somewhere outside: only what means every address means it.
        return condition.network === "0.0.0.0/0";
      case "protocol":
        return condition.values.includes(protocol) || condition.values.includes("all");
      case "state":
        return condition.values.includes(state);
      case "kind":
        return condition.values.includes(kind);
      case "port":
        return condition.values.some((value) => {
          const [first, last = first] = value.split(":").map(Number);
          return first !== undefined && last !== undefined && port >= first && port <= last;
        });
      default:
        return false;
    }
  }
}

/** A name that ends in + (iptables) or * (nft) means all that begin like it. */
function matchesInterface(pattern: string, name: string): boolean {
  return /[+*]$/.test(pattern) ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** True if what leaves for outside from this address gets this computer's own. */
export function isMasqueraded(chains: readonly Chain[], source: string): boolean {
  return chains.some(
    ({ hook, family, rules, table }) =>
      (hook === "postrouting" || table === "nat" || table === "firewalld") &&
      (family === "ip" || family === "inet") &&
      rules.some(({ conditions, verdict }) => {
        if (verdict.type !== "masquerade") return false;
        return conditions.every((condition) => condition.about !== "source" || contains(condition.network, source) !== condition.isNegated);
      }),
  );
}

/** Whether a network, ADDRESS/PREFIX or one address, has this address in it. */
export function contains(network: string, address: string): boolean {
  const [base = "", prefix = "32"] = network.split("/");
  const size = 2 ** (32 - Number(prefix));
  const [first, second] = [toNumber(base), toNumber(address)];
  return first !== undefined && second !== undefined && Math.floor(first / size) === Math.floor(second / size);
}

function toNumber(address: string): number | undefined {
  const parts = address.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part < 256))) return undefined;
  return parts.reduce((number, part) => number * 256 + part, 0);
}
