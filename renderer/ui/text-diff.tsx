import { VisuallyHidden } from "@mantine/core";
import { useEffect, useMemo, useRef } from "react";
import { type DiffLine, diffLines } from "./line-diff.ts";

const signs: Record<DiffLine["kind"], string> = { same: " ", added: "+", removed: "−" };
const words: Record<DiffLine["kind"], string> = { same: "", added: "Added: ", removed: "Removed: " };
const elements = { same: "span", added: "ins", removed: "del" } as const;

/** Of what is the same, to tell where the first difference is. */
const linesAbove = 3;

/** All lines of a text, with those that another one has instead. The keyboard reaches it, so that a long one can be scrolled. */
export function TextDiff({ label, before, after }: { label: string; before: string; after: string }) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const frame = useRef<HTMLDivElement>(null);
  // What differs is what one looks for.
  // biome-ignore lint/correctness/useExhaustiveDependencies: other lines begin at another place
  useEffect(() => {
    const first = frame.current?.querySelector<HTMLElement>("li:not([data-kind=same])");
    if (first && frame.current) frame.current.scrollTop = first.offsetTop - linesAbove * first.offsetHeight;
  }, [lines]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    // biome-ignore lint/a11y/useSemanticElements: no fields are in it
    <div ref={frame} className="text-diff" role="group" tabIndex={0} aria-label={label}>
      <ol>
        {lines.map(({ kind, text }, index) => {
          const Line = elements[kind];
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have nothing else of their own
            <li key={index} data-kind={kind}>
              <span aria-hidden>{signs[kind]}</span>
              {words[kind] && <VisuallyHidden>{words[kind]}</VisuallyHidden>}
              <Line>{text === "" ? " " : text}</Line>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
