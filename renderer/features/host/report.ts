import type { HostCheck, HostInfo } from "../../../privileged-helper/contract/model.ts";
import { formatBytes } from "../../ui/format.ts";

/**
 * The page as text that may be shown to anybody: what containers need and how it is here, without what tells who this is. Left out are
 * the computer's name and its users' names, MAC addresses and every address but those of private networks.
 */
export function makeReport(checks: readonly HostCheck[], info: HostInfo | undefined): string {
  const words = { ok: "OK", warning: "Warning", problem: "Problem" } as const;
  const facts = info
    ? [
        `Kernel ${info.kernel}, LXC ${info.lxcVersion ?? "not installed"}, control groups ${info.cgroupVersion}`,
        `${info.cpus} processors, ${formatBytes(info.memoryBytes)} memory, ${formatBytes(info.freeBytes)} free in ${info.lxcPath}`,
      ]
    : [];
  const lines = checks.flatMap(({ status, title, summary, evidence }) => [
    "",
    `[${words[status]}] ${title}: ${summary}`,
    ...evidence.map((line) => `  ${line}`),
  ]);
  return `${withoutSecrets(["LXC Desktop: host report", ...facts, ...lines].join("\n"), info?.hostname)}\n`;
}

/** Replaces what tells who or where this is. */
export function withoutSecrets(text: string, hostname = ""): string {
  const masked = text
    .replace(/(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])/gi, "(MAC address)")
    .replace(/(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%\w+)?(?![\w:])/gi, (found) =>
      /^(::1?|[\d:]{1,8})$/.test(found) || !/[0-9a-f]/i.test(found) ? found : "(IPv6 address)",
    )
    .replace(/(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)/g, (found) => (isPrivate(found) ? found : "(public address)"))
    .replace(/\/home\/[^/\s,:;)]+/g, "/home/(user)")
    .replace(/\/run\/user\/\d+/g, "/run/user/(user)");
  if (hostname.length < 2) return masked;
  const escaped = hostname.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return masked.replace(new RegExp(`(?<![\\w.-])${escaped}(?![\\w-])`, "g"), "(this computer)");
}

/** RFC 1918, loopback, link-local; and masks, which are no addresses. */
function isPrivate(address: string): boolean {
  const [first = 0, second = 0] = address.split(".").map(Number);
  if (first === 10 || first === 127 || first === 0 || first >= 240) return true;
  return (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168) || (first === 169 && second === 254);
}
