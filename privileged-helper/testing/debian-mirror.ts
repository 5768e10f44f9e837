import { readDebianMirrors } from "../lxc/debian-mirrors.ts";

/** @returns Why nothing can be fetched from Debian's mirror now; undefined where it answers. */
export async function reasonWithoutMirror(): Promise<string | undefined> {
  const mirror = readDebianMirrors().mirror ?? "http://deb.debian.org/debian";
  const answer = await fetch(`${mirror}/dists/stable/Release`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  return answer?.ok ? undefined : `Debian's mirror ${mirror} cannot be reached`;
}
