/** Control and format characters, half surrogates and separators of lines: what a text out of a container could act on its reader by. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The same text with U+FFFD in place of every character that does not show, so that it stays one line and changes no terminal and no direction. */
export function neutralText(text: string): string {
  return text.replace(unseen, "\ufffd");
}

/**
 * JSON that can be printed to a terminal: characters that do not show are escaped also where JSON would let them be. Nothing is lost.
 * @returns Text of two spaces' indentation that ends with a newline.
 */
export function neutralJson(value: unknown): string {
  const escaped = (character: string) =>
    [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
  const lines = JSON.stringify(value, undefined, 2).split("\n");
  return `${lines.map((line) => line.replace(unseen, escaped)).join("\n")}\n`;
}
