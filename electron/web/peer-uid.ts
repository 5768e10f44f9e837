import { readFileSync } from "node:fs";

type Address = { address: string; port: number };

/**
 * Whose program is at the other end of a loopback connection, by the address and port of both ends; undefined where the kernel knows no
 * such socket that is open at both ends.
 */
export type UidOfClient = (client: Address, server: Address) => number | undefined;

/** From the kernel's socket table (proc_pid_net(5), tcp) as it is now. Reading it takes milliseconds, so many are looked up in one. */
export function readConnections(): UidOfClient {
  const table = parseTable(readTable("/proc/net/tcp"));
  let table6: ReadonlyMap<string, number> | undefined;
  return (client, server) => {
    const local = toTableAddress(client);
    const remote = toTableAddress(server);
    if (local === undefined || remote === undefined) return undefined;
    const uid = table.get(`${local} ${remote}`);
    if (uid !== undefined) return uid;
    // A program may reach us by an IPv6 socket, as ::ffff:127.0.0.1.
    table6 ??= parseTable(readTable("/proc/net/tcp6"));
    return table6.get(`${mapped}${local} ${mapped}${remote}`);
  };
}

const mapped = "0000000000000000FFFF0000";

/**
 * Lines of `SL LOCAL REMOTE STATE TX:RX TR:TM RETRNSMT UID ...`. A socket that its program has closed while its last bytes are
 * under way belongs to nobody any more, and the kernel prints that as 0, root: so only established ones (state 1) count.
 * @returns `LOCAL REMOTE` -> UID.
 */
function parseTable(text: string): ReadonlyMap<string, number> {
  const uids = new Map<string, number>();
  const pattern = /^ *\d+: (\S+ \S+) 01 \S+ \S+ \S+ +(\d+) /gm;
  for (const [, addresses = "", uid] of text.matchAll(pattern)) uids.set(addresses, Number(uid));
  return uids;
}

/** The table has addresses as hexadecimal numbers in the byte order of a little-endian machine, and ports as they are. */
function toTableAddress({ address, port }: Address): string | undefined {
  const parts = address.replace(/^::ffff:/i, "").split(".");
  if (parts.length !== 4) return undefined;
  const hexadecimal = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
  return `${parts
    .reverse()
    .map((part) => hexadecimal(Number(part), 2))
    .join("")}:${hexadecimal(port, 4)}`;
}

function readTable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
