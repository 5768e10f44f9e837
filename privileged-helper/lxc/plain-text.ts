/** Turns the bytes of a log, which programs in a container wrote for a terminal, into text that does nothing but be read. */
export type PlainText = {
  /** The text of more bytes. What may be the beginning of a sequence or a character is kept for the next call. */
  push(bytes: Uint8Array): string;
};

/** An escape sequence that has not ended after so many characters is none. */
const maxSequenceLength = 1024;

/** Control sequences (ECMA-48 5.4), control strings (5.6), and the shorter escape sequences (ECMA-35 13.2). A line's end ends each of them. A bell only sounds. */
const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b\n]{0,1024}(?:\u0007|\u001b\\)|\u001b[PX^_][^\u001b\n]{0,1024}\u001b\\|\u001b[ -/]*[0-OQ-WYZ\\`-~]|\u0007/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const beginning = /(?:(?:\u001b\[|\u009b)[0-?]*[ -/]*|\u001b\][^\u0007\u001b\n]*\u001b?|\u001b[PX^_][^\u001b\n]*\u001b?|\u001b[ -/]*|\r+)$/;
/** Other controls, and the marks that make text run the other way or hide it: a log must not show what was never written. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Line ends become `\n`, escape sequences go, other control characters become U+FFFD, as do bytes that are not UTF-8. */
export function createPlainText(): PlainText {
  const decoder = new TextDecoder();
  let kept = "";
  return {
    push(bytes) {
      const text = kept + decoder.decode(bytes, { stream: true });
      const start = beginning.exec(text)?.index ?? text.length;
      kept = text.length - start <= maxSequenceLength ? text.slice(start) : "";
      return toPlainText(text.slice(0, text.length - kept.length));
    },
  };
}

/** The same of a text that is whole. */
export function toPlainText(text: string): string {
  return text
    .replace(sequences, "")
    .replace(/\r+\n|\r/g, "\n")
    .replace(controls, "\ufffd");
}
