/** What `sha256sum` writes: a hash, a space, a space or an asterisk, a name. Names with a folder in them are not ours. */
export function parseChecksums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, hash, name] = /^([0-9a-fA-F]{64}) [ *]([A-Za-z0-9._-]{1,128})$/.exec(line) ?? [];
    if (hash !== undefined && name !== undefined) sums.set(name, hash.toLowerCase());
  }
  return sums;
}
