/**
 * Where a container's page is. The router decodes addresses once, in a way that leaves some characters as they are, so a name is
 * encoded twice: folders that LXC finds may be called anything.
 */
export function containerPath(name: string, tab?: string): string {
  return `/containers/${encodeURIComponent(encodeURIComponent(name))}${tab === undefined ? "" : `/${tab}`}`;
}

/** The name in a container's address, as the router gives it. */
export function nameInPath(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Where containers are compared. A name has no slash, and LXC's own names no comma. */
export function comparePath(names: readonly string[]): string {
  return `/compare${names.length === 0 ? "" : `/${names.map((name) => encodeURIComponent(encodeURIComponent(name))).join(",")}`}`;
}

/** The names in such an address, as the router gives them. */
export function namesInPath(part: string | undefined): string[] {
  return part === undefined || part === "" ? [] : part.split(",").map(nameInPath);
}
