import * as z from "zod";

/** Where images come from unless a person says otherwise. */
export const defaultImageServer = "https://images.linuxcontainers.org";

const maxAddressLength = 500;
/** Scheme, host, port, folder. What an address may have besides (a user, a query, a fragment) has no use here. */
const address = /^(https?):\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?((?:\/[A-Za-z0-9._~-]+)*)\/?$/i;

/** Why a text is not the address of an image server, as a sentence for the person who types it. */
export function explainImageServer(text: string): string | undefined {
  if (text === "") return "Type an address.";
  if (text.length > maxAddressLength) return `An address has at most ${maxAddressLength} characters.`;
  if (!/^https?:\/\//i.test(text)) return "An address begins with https://.";
  if (/[?#]/.test(text)) return "Leave out what comes with ? or #.";
  if (text.includes("@")) return "An address cannot carry a user name or a password.";
  const [, scheme = "", host = "", port, folder = ""] = address.exec(text) ?? [];
  if (host === "") return `This is not an address. One looks like ${defaultImageServer}.`;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return "A port is a number from 1 to 65535.";
  if (folder.split("/").some((part) => part === "." || part === "..")) return "An address cannot have . or .. in it.";
  if (scheme.toLowerCase() === "http" && !isLoopbackHost(host)) {
    return "Begin with https://. Only a server on this computer may be reached by plain http.";
  }
  return undefined;
}

/** One way to write each address: scheme and host in lower case, no slash at the end. */
export function normaliseImageServer(text: string): string {
  const trimmed = text.trim().replace(/\/$/, "");
  return trimmed.replace(/^https?:\/\/[^/]*/i, (start) => start.toLowerCase());
}

/** True for names and addresses that never leave this computer. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/i.test(host);
}

export const imageServer = z
  .string()
  .max(maxAddressLength)
  .superRefine((text, context) => {
    const reason = explainImageServer(text);
    if (reason !== undefined) context.addIssue({ code: "custom", message: reason });
  })
  .transform(normaliseImageServer);

/** Names an image in requests: 32 hexadecimal digits made of its server and its path there. */
export const imageId = z.string().regex(/^[0-9a-f]{32}$/);

/** How an image is called in buttons and tasks: "Alpine 3.22", and then what is unusual about it. */
export function imageTitle(image: NamedImage, ownArchitecture: string): string {
  const { distribution, release, architecture, variant } = image;
  const rest = [variant === "default" ? "" : variant, architecture === ownArchitecture ? "" : architecture];
  return [distributionTitle(distribution), release, ...rest].filter(Boolean).join(" ");
}
type NamedImage = { distribution: string; release: string; architecture: string; variant: string };

/** Its own way of writing, where it is not just the word with a capital. */
export function distributionTitle(distribution: string): string {
  const word = distribution.toLowerCase();
  return (
    (Object.hasOwn(distributionTitles, word) ? distributionTitles[word] : undefined) ?? `${word.charAt(0).toUpperCase()}${word.slice(1)}`
  );
}

const distributionTitles: Record<string, string> = {
  almalinux: "AlmaLinux",
  alt: "ALT Linux",
  amazonlinux: "Amazon Linux",
  archlinux: "Arch Linux",
  busybox: "BusyBox",
  centos: "CentOS",
  mint: "Linux Mint",
  nixos: "NixOS",
  openeuler: "openEuler",
  opensuse: "openSUSE",
  openwrt: "OpenWrt",
  oracle: "Oracle Linux",
  rockylinux: "Rocky Linux",
  voidlinux: "Void Linux",
};
