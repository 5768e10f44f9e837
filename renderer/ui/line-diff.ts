export type DiffLine = { kind: "same" | "added" | "removed"; text: string };

/** Above this many pairs of lines the texts have too little to do with each other, and comparing them would be felt. */
const maxPairs = 4_000_000;

/** How one text becomes another: all lines of both, with as few changes as can be; of what is replaced the old lines come first. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [old, current] = [linesOf(before), linesOf(after)];
  const start = countSame(old, current);
  const end = countSame(old.slice(start).reverse(), current.slice(start).reverse());
  const oldMiddle = old.slice(start, old.length - end);
  const currentMiddle = current.slice(start, current.length - end);
  const middle =
    oldMiddle.length * currentMiddle.length > maxPairs
      ? [...marked("removed", oldMiddle), ...marked("added", currentMiddle)]
      : diffMiddle(oldMiddle, currentMiddle);
  return [...marked("same", old.slice(0, start)), ...middle, ...marked("same", old.slice(old.length - end))];
}

/** How many lines come and go, in words. */
export function summariseDiff(lines: readonly DiffLine[]): string {
  const count = (kind: DiffLine["kind"]) => lines.filter((line) => line.kind === kind).length;
  const [added, removed] = [count("added"), count("removed")];
  if (added + removed === 0) return "no line differs";
  return [added > 0 ? `${added} ${added === 1 ? "line" : "lines"} more` : "", removed > 0 ? `${removed} fewer` : ""]
    .filter(Boolean)
    .join(", ");
}

/** By the longest sequence of lines that both have. */
function diffMiddle(old: readonly string[], current: readonly string[]): DiffLine[] {
  const width = current.length + 1;
  // How many lines the rests from each pair of places on have in common.
  const common = new Uint32Array((old.length + 1) * width);
  const commonAt = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = current.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === current[j] ? commonAt(i + 1, j + 1) + 1 : Math.max(commonAt(i + 1, j), commonAt(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  for (let i = 0, j = 0; i < old.length || j < current.length; ) {
    const [oldLine, currentLine] = [old[i], current[j]];
    if (oldLine !== undefined && oldLine === currentLine) {
      lines.push({ kind: "same", text: oldLine });
      i++;
      j++;
    } else if (oldLine !== undefined && (currentLine === undefined || commonAt(i + 1, j) >= commonAt(i, j + 1))) {
      lines.push({ kind: "removed", text: oldLine });
      i++;
    } else {
      lines.push({ kind: "added", text: currentLine ?? "" });
      j++;
    }
  }
  return lines;
}

/** The end of the last line begins no other one. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function countSame(one: readonly string[], other: readonly string[]): number {
  const differs = one.findIndex((line, index) => line !== other[index]);
  return differs < 0 ? one.length : differs;
}

function marked(kind: DiffLine["kind"], lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ kind, text }));
}
