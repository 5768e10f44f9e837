import { ActionIcon, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconLetterCase, IconRegex, IconX } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useState } from "react";
import { drawnTerminal } from "./live-terminals.ts";
import { usePaneState } from "./pane-state.ts";

/** Matches in the text, and the one that is shown, in colours that can be seen in any theme. */
const decorations = {
  matchBackground: "#665c00",
  matchBorder: "#b8a500",
  matchOverviewRuler: "#b8a500",
  activeMatchBackground: "#b35900",
  activeMatchBorder: "#ff8000",
  activeMatchColorOverviewRuler: "#ff8000",
} as const;
const mostCounted = 1_000;

type Found = { index: number; count: number };

/** Looks for a text in a terminal and in what was scrolled away. */
export function SearchBar({ id }: { id: string }) {
  const [text, setText] = useState(() => firstLine(drawnTerminal(id)?.xterm.getSelection() ?? ""));
  const [isCaseSensitive, setIsCaseSensitive] = useState(false);
  const [isRegex, setIsRegex] = useState(false);
  const [found, setFound] = useState<Found>();
  const isWrong = isRegex && !isRegularExpression(text);

  useEffect(() => {
    const listening = drawnTerminal(id)?.search.onDidChangeResults(({ resultIndex, resultCount }) =>
      setFound({ index: resultIndex, count: resultCount }),
    );
    return () => {
      listening?.dispose();
      drawnTerminal(id)?.search.clearDecorations();
    };
  }, [id]);
  const find = (direction: "next" | "previous", incremental = false) => {
    const search = drawnTerminal(id)?.search;
    if (!search) return;
    if (text === "" || isWrong) {
      search.clearDecorations();
      setFound(undefined);
      return;
    }
    const options = { caseSensitive: isCaseSensitive, regex: isRegex, incremental, decorations };
    if (direction === "next") search.findNext(text, options);
    else search.findPrevious(text, options);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked for when one of these has changed
  useEffect(() => {
    // Without this the addon counts what it has found before: it does not see that only the options have changed.
    drawnTerminal(id)?.search.clearDecorations();
    find("previous");
  }, [id, text, isCaseSensitive, isRegex]);
  const close = () => {
    usePaneState.setState({ searched: undefined });
    drawnTerminal(id)?.xterm.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      find(event.shiftKey ? "next" : "previous");
    }
  };
  return (
    <search className="terminal-search" onKeyDown={onKeyDown}>
      <TextInput
        size="xs"
        aria-label="Search in the terminal"
        placeholder="Search"
        autoFocus
        spellCheck={false}
        autoComplete="off"
        value={text}
        error={isWrong}
        onChange={(event) => setText(event.currentTarget.value)}
        className="terminal-search-field"
      />
      <span role="status" className="terminal-search-count">
        {sayFound(text, isWrong, found)}
      </span>
      <Toggle label="Match case" isOn={isCaseSensitive} onToggled={setIsCaseSensitive}>
        <IconLetterCase size={16} aria-hidden />
      </Toggle>
      <Toggle label="Regular expression" isOn={isRegex} onToggled={setIsRegex}>
        <IconRegex size={16} aria-hidden />
      </Toggle>
      <ActionIcon variant="subtle" color="gray" aria-label="Match before (Enter)" onClick={() => find("previous")}>
        <IconChevronUp size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="subtle" color="gray" aria-label="Next match (Shift+Enter)" onClick={() => find("next")}>
        <IconChevronDown size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="subtle" color="gray" aria-label="End the search" onClick={close}>
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </search>
  );
}

function Toggle(props: { label: string; isOn: boolean; onToggled(isOn: boolean): void; children: React.ReactNode }) {
  const { label, isOn, onToggled, children } = props;
  return (
    <ActionIcon
      variant={isOn ? "filled" : "subtle"}
      color={isOn ? "teal" : "gray"}
      aria-label={label}
      title={label}
      aria-pressed={isOn}
      onClick={() => onToggled(!isOn)}
    >
      {children}
    </ActionIcon>
  );
}

function sayFound(text: string, isWrong: boolean, found: Found | undefined): string {
  if (isWrong) return "No regular expression";
  if (text === "" || !found) return "";
  if (found.count === 0) return "Not found";
  const count = found.count >= mostCounted ? `more than ${mostCounted}` : `${found.count}`;
  return found.index < 0 ? count : `${found.index + 1} of ${count}`;
}

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function firstLine(text: string): string {
  return text.includes("\n") ? "" : text.slice(0, 200);
}
