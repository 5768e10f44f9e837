import { readFileSync } from "node:fs";

/**
 * Whose program is at the other end of a loopback connection, from the kernel's socket table (proc_pid_net(5), tcp).
 * @param client The address and port of the other end.
 * @param server Ours.
 * @returns undefined where the kernel knows no such socket that is open at both ends.
 */
export function uidOfClient(client: { address: string; port: number }, server: { address: string; port: number }): number | undefined {
  const local = toTableAddress(client);
  const remote = toTableAddress(server);
  if (local === undefined || remote === undefined) return undefined;
  return (
    findUid(readTable("/proc/net/tcp"), local, remote) ??
    // A program may reach us by an IPv6 socket, as ::ffff:127.0.0.1.
    findUid(readTable("/proc/net/tcp6"), mapped + local, mapped + remote)
  );
}

const mapped = "0000000000000000FFFF0000";

/**
 * Lines of `SL LOCAL REMOTE STATE TX:RX TR:TM RETRNSMT UID ...`. A socket that its program has closed while its last bytes are
 * under way belongs to nobody any more, and the kernel prints that as 0, root: so only established ones (state 1) count.
 */
export function findUid(table: string, local: string, remote: string): number | undefined {
  for (const line of table.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === local && fields[2] === remote && fields[3] === "01") return Number(fields[7]);
  }
  return undefined;
}

/** The table has addresses as hexadecimal numbers in the byte order of a little-endian machine, and ports as they are. */
export function toTableAddress({ address, port }: { address: string; port: number }): string | undefined {
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
