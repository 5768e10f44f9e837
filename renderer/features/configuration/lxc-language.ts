import { HighlightStyle, StreamLanguage, type StreamParser, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { tags } from "@lezer/highlight";

type State = { isValue: boolean };

/** LXC's configuration (lxc.container.conf(5)): comments, `lxc.key = value`, and lines that LXC passes over. */
export const lxcParser: StreamParser<State> = {
  name: "lxc",
  startState: () => ({ isValue: false }),
  token(stream, state) {
    if (stream.sol()) {
      state.isValue = false;
      stream.eatSpace();
      if (stream.peek() === "#") {
        stream.skipToEnd();
        return "comment";
      }
      if (stream.match(/lxc\.[^\s=]*/)) return "propertyName";
    }
    if (!state.isValue && stream.eat("=")) {
      state.isValue = true;
      return "operator";
    }
    if (stream.eatSpace()) return null;
    if (!state.isValue) {
      stream.skipToEnd();
      return "invalid";
    }
    if (stream.match(/\d[\d.:/]*(?=\s|$)/)) return "number";
    stream.match(/\S+/);
    return "string";
  },
};

const style = HighlightStyle.define([
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.propertyName, color: "var(--chart-2)" },
  { tag: tags.number, color: "var(--warning)" },
  { tag: tags.string, color: "var(--safe)" },
  { tag: tags.invalid, color: "var(--muted)" },
]);

export const lxcHighlighting: Extension = [StreamLanguage.define(lxcParser), syntaxHighlighting(style)];
