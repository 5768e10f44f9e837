import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { lxcHighlighting } from "./lxc-language.ts";

/** Read-only text with line numbers and colours. */
export function ConfigurationView({ text, name }: { text: string; name: string }) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!frame.current) return;
    const view = new EditorView({
      parent: frame.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          lxcHighlighting,
          EditorState.readOnly.of(true),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": `Configuration of ${name}`, "aria-readonly": "true" }),
        ],
      }),
    });
    return () => view.destroy();
  }, [text, name]);
  return <div ref={frame} className="configuration" />;
}
