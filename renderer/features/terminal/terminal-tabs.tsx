import { TextInput } from "@mantine/core";
import { IconAccessPoint, IconAppWindow, IconBell, IconX } from "@tabler/icons-react";
import { type DragEvent, type KeyboardEvent, useRef, useState } from "react";
import { useClient } from "../../state/connection.ts";
import { moveTab, renameTab, showTerminal, type TabRow, type TerminalTab, terminalsIn } from "../../state/terminal-layout.ts";
import { changeRow, useTerminals } from "../../state/terminals.ts";
import { drawnTerminal } from "./live-terminals.ts";
import { usePaneState } from "./pane-state.ts";
import { closeOrAsk } from "./terminal-actions.ts";
import { tabTitle } from "./terminal-title.ts";

const maxNameCharacters = 60;
const dragType = "application/x-lxc-desktop-tab";

/** The tabs of a container's terminals. The arrow keys go from one to the next, Enter shows it, Delete closes it, F2 renames it. */
export function TerminalTabs({ container, row }: { container: string; row: TabRow }) {
  const client = useClient();
  const terminals = useTerminals((state) => state.terminals);
  const renamed = usePaneState((state) => state.renamed);
  const [dropAt, setDropAt] = useState<number>();
  const list = useRef<HTMLDivElement>(null);

  const show = (tab: TerminalTab) => {
    changeRow(container, (before) => showTerminal(before, tab.active));
    // Shown already, it only gets the focus.
    drawnTerminal(tab.active)?.xterm.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>, tab: TerminalTab, index: number) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const go = (to: number) =>
      list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[(to + row.tabs.length) % row.tabs.length]?.focus();
    const step = event.key === "ArrowLeft" ? -1 : 1;
    switch (event.key) {
      case "ArrowLeft":
      case "ArrowRight":
        if (event.shiftKey) changeRow(container, (before) => moveTab(before, tab.id, index + step));
        else go(index + step);
        break;
      case "Home":
        go(0);
        break;
      case "End":
        go(row.tabs.length - 1);
        break;
      case "Enter":
      case " ":
        show(tab);
        break;
      case "Delete":
        closeOrAsk(client, terminalsIn(tab.root));
        break;
      case "F2":
        usePaneState.setState({ renamed: tab.id });
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  const onDrop = (event: DragEvent) => {
    const tab = event.dataTransfer.getData(dragType);
    const to = dropAt;
    setDropAt(undefined);
    if (tab === "" || to === undefined) return;
    event.preventDefault();
    const from = row.tabs.findIndex(({ id }) => id === tab);
    changeRow(container, (before) => moveTab(before, tab, to > from ? to - 1 : to));
  };
  return (
    <div
      ref={list}
      role="tablist"
      aria-label="Open terminals"
      aria-orientation="horizontal"
      className="terminal-tabs"
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(dragType)) return;
        event.preventDefault();
        setDropAt(placeUnder(event, list.current));
      }}
      onDragLeave={() => setDropAt(undefined)}
      onDrop={onDrop}
    >
      {row.tabs.map((tab, index) => {
        const title = tabTitle(tab, terminals);
        const inside = terminalsIn(tab.root);
        const isCurrent = tab.id === row.current;
        if (tab.id === renamed) return <NameField key={tab.id} container={container} tab={tab} title={title} />;
        return (
          <div
            key={tab.id}
            id={tab.id}
            role="tab"
            aria-selected={isCurrent}
            aria-controls={isCurrent ? `${tab.id}-panel` : undefined}
            tabIndex={isCurrent ? 0 : -1}
            className="terminal-tab"
            data-drop={dropAt === index ? "before" : dropAt === index + 1 && index === row.tabs.length - 1 ? "after" : undefined}
            draggable
            title={title}
            onDragStart={(event) => {
              event.dataTransfer.setData(dragType, tab.id);
              event.dataTransfer.effectAllowed = "move";
            }}
            onDragEnd={() => setDropAt(undefined)}
            onClick={() => show(tab)}
            onDoubleClick={() => usePaneState.setState({ renamed: tab.id })}
            onAuxClick={(event) => event.button === 1 && closeOrAsk(client, inside)}
            onKeyDown={(event) => onKeyDown(event, tab, index)}
          >
            {inside.some((id) => terminals.get(id)?.isBroadcasting) && <IconAccessPoint size={14} aria-label="broadcasts" />}
            {inside.some((id) => terminals.get(id)?.isElsewhere) && <IconAppWindow size={14} aria-label="in its own window" />}
            {inside.some((id) => terminals.get(id)?.hasRung) && <IconBell size={14} aria-label="has rung" />}
            <span className="terminal-tab-title">{title}</span>
            {/* By keys a tab is closed with Delete: inside of a tab there is nothing else to go to. */}
            <span
              aria-hidden
              className="terminal-tab-close"
              onClick={(event) => {
                event.stopPropagation();
                closeOrAsk(client, inside);
              }}
            >
              <IconX size={13} />
            </span>
          </div>
        );
      })}
    </div>
  );
}

function NameField({ container, tab, title }: { container: string; tab: TerminalTab; title: string }) {
  const [draft, setDraft] = useState(tab.name ?? title);
  const isOver = useRef(false);
  const end = (isKept: boolean) => {
    if (isOver.current) return;
    isOver.current = true;
    usePaneState.setState({ renamed: undefined });
    const name = draft.trim();
    if (isKept && name !== title) changeRow(container, (row) => renameTab(row, tab.id, name === "" ? undefined : name));
    drawnTerminal(tab.active)?.xterm.focus();
  };
  return (
    <TextInput
      size="xs"
      aria-label="Name of the tab"
      className="terminal-tab-field"
      autoFocus
      spellCheck={false}
      autoComplete="off"
      maxLength={maxNameCharacters}
      value={draft}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={() => end(true)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") end(true);
        if (event.key === "Escape") end(false);
      }}
    />
  );
}

/** Before which tab something would be dropped. */
function placeUnder({ clientX }: DragEvent, list: HTMLElement | null): number {
  const tabs = [...(list?.querySelectorAll<HTMLElement>(".terminal-tab") ?? [])];
  const at = tabs.findIndex((tab) => {
    const { left, width } = tab.getBoundingClientRect();
    return clientX < left + width / 2;
  });
  return at === -1 ? tabs.length : at;
}
