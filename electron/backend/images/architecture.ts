/** This computer's architecture, as Debian and image servers call it. */
export function ownArchitecture(node: string = process.arch): string {
  return debianNames[node] ?? node;
}

const debianNames: Record<string, string> = { x64: "amd64", arm: "armhf", ia32: "i386", ppc64: "ppc64el" };
