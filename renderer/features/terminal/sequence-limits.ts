import type { IFunctionIdentifier, IParser } from "@xterm/xterm";

/**
 * Sequences that xterm.js repeats as often as they say, up to 2147483647 times, each a few bytes long. No screen has so many lines, so
 * one that asks for more is left out: it would stop the page for minutes.
 */
const repeated: readonly { id: IFunctionIdentifier; most: number }[] = [
  // Lines: scroll up and down, insert and delete. Tabs: forward and back.
  ...["S", "T", "L", "M", "I", "Z"].map((final) => ({ id: { final }, most: 1_000 })),
  // The character before.
  { id: { final: "b" }, most: 10_000 },
];

/** Has a terminal refuse what would stop it. */
export function limitSequences(parser: Pick<IParser, "registerCsiHandler">): void {
  for (const { id, most } of repeated) {
    parser.registerCsiHandler(id, ([count]) => typeof count === "number" && count > most);
  }
}
