import { fstatSync } from "node:fs";
import { findLog } from "./logs.ts";
import { readTail, withFileInside } from "./open-inside.ts";
import { createPlainText } from "./plain-text.ts";

/** More than a terminal's usual scrollback shows of a boot. */
const shownBytes = 64 * 1024;
const dim = "\u001b[2m";
const usual = "\u001b[0m";

/**
 * What a container's console has shown before somebody looks, for a terminal: lxc-console itself tells only what comes from then on. It is
 * text alone, because what programs have asked of a terminal then, they have asked of another one.
 * @returns The last 64 KiB of what LXC keeps (`lxc.console.logfile` of lxc.container.conf(5)), or why there is nothing, in a line that is
 * marked as ours.
 */
export function readConsoleBefore(lxcPath: string, name: string): Uint8Array {
  const place = findLog({ lxcPath, systemLogFolder: "/var/log/lxc" }, name, "console");
  const bytes = withFileInside(place.folder, place.relative, (file) => {
    const isWhole = fstatSync(file).size <= shownBytes;
    const read = readTail(file, shownBytes);
    // It begins with a whole line.
    return isWhole ? read : read.subarray(read.indexOf("\n") + 1);
  });
  const note = (text: string) => `${dim}[${text}]${usual}\r\n`;
  if (bytes === undefined) return Buffer.from(note("LXC keeps no log of this console: what it showed before is not known."));
  const text = createPlainText().push(bytes).replaceAll("\n", "\r\n");
  if (text === "") return Buffer.from(note("This console has shown nothing so far."));
  return Buffer.from(`${note("What this console showed before:")}${text}${text.endsWith("\n") ? "" : "\r\n"}${note("From now on:")}`);
}
