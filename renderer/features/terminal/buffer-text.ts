import type { IBuffer } from "@xterm/xterm";

/** All that a terminal shows and that was scrolled away, as text: a line that was only wrapped is one line, and what is empty at the end is left out. */
export function bufferText(buffer: Pick<IBuffer, "length" | "getLine">): string {
  const lines: string[] = [];
  for (let row = 0; row < buffer.length; row++) {
    const line = buffer.getLine(row);
    if (!line) continue;
    const isContinued = buffer.getLine(row + 1)?.isWrapped === true;
    const text = line.translateToString(!isContinued);
    if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
