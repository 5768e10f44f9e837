import { holdFile, parseWhenChanged, readProcFile } from "./proc.ts";

/** Addresses of a container, read from its network namespace by way of its init process: no fork, no entering. */

export type AddressReader = {
  /** What `lxc-ls -f` shows: no loopback, no link-local IPv6. Sorted. */
  read(): { ipv4: string[]; ipv6: string[] };
  /** To be called when the container stops: what is open keeps its network namespace in memory. */
  close(): void;
};

/** @param initPid As the host sees it. */
export function openAddresses(initPid: number): AddressReader {
  const ipv4 = holdFile(`/proc/${initPid}/net/fib_trie`);
  const ipv6 = holdFile(`/proc/${initPid}/net/if_inet6`);
  const parseIpv4 = parseWhenChanged(parseFibTrie);
  const parseIpv6 = parseWhenChanged(parseIfInet6);
  return {
    read: () => ({ ipv4: parseIpv4(ipv4?.read() ?? ""), ipv6: parseIpv6(ipv6?.read() ?? "") }),
    close() {
      ipv4?.close();
      ipv6?.close();
    },
  };
}

/** True where a container has a way to other networks. */
export function hasDefaultRoute(initPid: number): boolean {
  const read = (file: string) => readProcFile(`/proc/${initPid}/net/${file}`) ?? "";
  return hasDefaultRouteIpv4(read("route")) || hasDefaultRouteIpv6(read("ipv6_route"));
}

/** Lines of `IFACE DESTINATION GATEWAY FLAGS REFCNT USE METRIC MASK ...` in hexadecimal (net/ipv4/fib_trie.c, fib_route_seq_show). */
export function hasDefaultRouteIpv4(text: string): boolean {
  return text.split("\n").some((line) => {
    const [, destination, , flags, , , , mask] = line.split(/\s+/);
    return destination === "00000000" && mask === "00000000" && isUsable(flags);
  });
}

/** Lines of `DESTINATION PREFIX SOURCE PREFIX GATEWAY METRIC REFCNT USE FLAGS IFACE` in hexadecimal (net/ipv6/route.c, rt6_info_route). */
export function hasDefaultRouteIpv6(text: string): boolean {
  return text.split("\n").some((line) => {
    const [destination, prefix, , , , , , , flags, name] = line.trim().split(/\s+/);
    return /^0{32}$/.test(destination ?? "") && prefix === "00" && name !== "lo" && isUsable(flags);
  });
}

/** RTF_UP, and not RTF_REJECT (include/uapi/linux/route.h). */
function isUsable(flags = "0"): boolean {
  return (Number.parseInt(flags, 16) & 0x0201) === 1;
}

/** The kernel's routing tables (net/ipv4/fib_trie.c): a line with an address, then `/32 host LOCAL` where it is one of ours. */
export function parseFibTrie(text: string): string[] {
  const found = new Set<string>();
  const pattern = /\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g;
  for (const [, address] of text.matchAll(pattern)) if (address !== undefined && !address.startsWith("127.")) found.add(address);
  return [...found].sort();
}

/** Lines of `ADDRESS IFINDEX PREFIXLENGTH SCOPE FLAGS NAME` in hexadecimal (net/ipv6/addrconf.c, if6_seq_show). */
export function parseIfInet6(text: string): string[] {
  const found: string[] = [];
  for (const line of text.split("\n")) {
    const [digits, , , scope, , name] = line.trim().split(/\s+/);
    if (digits?.length !== 32 || name === "lo" || scope === scopeLink || scope === scopeHost) continue;
    found.push(formatIpv6(digits));
  }
  return found.sort();
}
/** IPV6_ADDR_LINKLOCAL and IPV6_ADDR_LOOPBACK (include/net/ipv6.h), as the file shows them. */
const scopeLink = "20";
const scopeHost = "10";

/** RFC 5952: no leading zeros, and the first longest run of two or more zero groups is `::`. */
export function formatIpv6(digits: string): string {
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ""));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
