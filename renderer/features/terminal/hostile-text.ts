/** What comes out of a container, or out of a clipboard, made harmless to show and to pass on. Nothing here knows of a terminal. */

const maxTitleCharacters = 80;
/** What a program may have copied: more is nothing that a person could look at before. */
export const maxClipboardBytes = 100 * 1024;
const previewCharacters = 400;

/** One line without anything that would not show, or that would turn the direction of what follows. */
export function cleanTitle(text: string): string {
  // Longer ones are cut before they are looked at: they may be megabytes.
  const clean = text
    .slice(0, maxTitleCharacters * 4)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return [...clean].slice(0, maxTitleCharacters).join("");
}

/** A text with everything made visible that would not show. */
export function visibleText(text: string, maxCharacters = previewCharacters): string {
  const shown = text.slice(0, maxCharacters).replace(/[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "␡" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
  return text.length > maxCharacters ? `${shown}…` : shown;
}

/** What is pasted is text and no keys: an escape in it could end the bracket that tells a program so. */
export function cleanPaste(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "");
}

/** As many as a shell would run, or begin to. */
export function linesOf(text: string): string[] {
  return text.replace(/(\r\n|\r|\n)$/, "").split(/\r\n|\r|\n/);
}

export type ClipboardRequest =
  | { type: "write"; text: string }
  | /** Refused in any case. */ { type: "read" }
  | { type: "too-long" }
  | { type: "invalid" };

/**
 * What a program asks of the clipboard (OSC 52, xterm's "Manipulate Selection Data"): `Pc;Pd`, where Pd is base64 or a question mark.
 * @param data Without the number of the sequence.
 */
export function parseClipboardRequest(data: string): ClipboardRequest {
  const at = data.indexOf(";");
  if (at === -1 || at > 16) return { type: "invalid" };
  const content = data.slice(at + 1);
  if (content === "?") return { type: "read" };
  if (content.length > Math.ceil(maxClipboardBytes / 3) * 4) return { type: "too-long" };
  try {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text === "" ? { type: "invalid" } : { type: "write", text };
  } catch {
    return { type: "invalid" };
  }
}

/** Where a link really leads, or nothing where it leads nowhere that a browser may be sent to. All of it is ASCII. */
export function realAddress(link: string): URL | undefined {
  if (link.length > 8_192 || !URL.canParse(link)) return undefined;
  const address = new URL(link);
  return address.protocol === "https:" || address.protocol === "http:" ? address : undefined;
}
