import { ActionIcon, Button, Group, Text } from "@mantine/core";
import { IconAppWindow, IconX } from "@tabler/icons-react";
import { type DragEvent, type MouseEvent, useEffect, useRef, useState } from "react";
import { ownTerminal } from "../../backend/own-terminal.ts";
import { useClient } from "../../state/connection.ts";
import { showTerminal } from "../../state/terminal-layout.ts";
import { changeRow, type TerminalInfo, useTerminals } from "../../state/terminals.ts";
import { beginTerminal, liveTerminal, takeTerminal } from "./live-terminals.ts";
import { openOwnWindow } from "./own-window.ts";
import { BroadcastBar, ClipboardBar, StatusBar, UploadBars } from "./pane-bars.tsx";
import { usePaneState } from "./pane-state.ts";
import { SearchBar } from "./search-bar.tsx";
import { closeOrAsk, onTerminalKeys } from "./terminal-actions.ts";
import { shownTitle } from "./terminal-title.ts";
import { uploadFiles } from "./uploads.ts";

type Props = {
  id: string /** It has the focus when it is shown. */;
  isActive: boolean /** There is nothing beside it. */;
  isAlone: boolean;
};

/** In the place of a terminal that another window shows. */
function ShownElsewhere({ info }: { info: TerminalInfo }) {
  const client = useClient();
  return (
    <div className="terminal-pane terminal-elsewhere">
      <IconAppWindow size={40} stroke={1.2} aria-hidden />
      <Text>{ownTerminal === undefined ? "This terminal has a window of its own." : "The app's window shows this terminal now."}</Text>
      <Group gap="xs" justify="center">
        <Button size="compact-sm" onClick={() => takeTerminal(client, info.id)}>
          {ownTerminal === undefined ? "Bring it back" : "Show it here"}
        </Button>
        {ownTerminal === undefined && (
          <Button size="compact-sm" variant="default" onClick={() => openOwnWindow(info.id)}>
            Show its window
          </Button>
        )}
      </Group>
    </div>
  );
}

/** One terminal in its place, and what there is to say about it. What is written in it is not to be trusted: nothing of it may act on the page. */
export function TerminalPane({ id, isActive, isAlone }: Props) {
  const client = useClient();
  const frame = useRef<HTMLDivElement>(null);
  const info = useTerminals(({ terminals }) => terminals.get(id));
  const isRinging = usePaneState(({ ringing }) => ringing.has(id));
  const isSearched = usePaneState(({ searched }) => searched === id);
  const link = usePaneState(({ links }) => links[id]);
  const state = info?.status.state;
  const [isOver, setIsOver] = useState(false);
  const container = info?.container;
  const isElsewhere = info?.isElsewhere === true;

  useEffect(() => {
    if (!frame.current || isElsewhere) return;
    const live = liveTerminal(id);
    live.show(frame.current, (event) => onTerminalKeys(client, id, event));
    return () => live.hide();
  }, [client, id, isElsewhere]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each of its states there may be something to begin
  useEffect(() => beginTerminal(client, id), [client, id, state, isElsewhere]);
  useEffect(() => {
    if (!isActive || isElsewhere || (state !== "opening" && state !== "open")) return;
    const focus = () => liveTerminal(id).xterm.focus();
    focus();
    // A page that is opened gives the focus to its heading.
    const later = requestAnimationFrame(() => document.querySelector("[role=dialog]") === null && focus());
    return () => cancelAnimationFrame(later);
  }, [id, isActive, state, isElsewhere]);
  if (!info) return null;
  if (isElsewhere) return <ShownElsewhere info={info} />;

  const onFocus = () => {
    if (container !== undefined && !isActive && !isAlone) changeRow(container, (row) => showTerminal(row, id));
  };
  const onContextMenu = (event: MouseEvent) => {
    event.preventDefault();
    const { modes } = liveTerminal(id).xterm;
    // A program that asked for the mouse gets its buttons, but with Shift.
    if (modes.mouseTrackingMode !== "none" && !event.shiftKey) return;
    usePaneState.setState({ menu: { terminal: id, left: event.clientX, top: event.clientY } });
  };
  const onDrop = (event: DragEvent) => {
    setIsOver(false);
    if (state !== "open" || info.kind.type !== "shell" || event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    void uploadFiles(client, id, [...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it notices the focus of what is inside; the menu has keys of its own
    <div
      className="terminal-pane"
      data-active={(isActive && !isAlone) || undefined}
      data-broadcast={info.isBroadcasting || undefined}
      data-ringing={isRinging || undefined}
      onFocus={onFocus}
    >
      {!isAlone && (
        <div className="terminal-pane-head">
          <span className="terminal-pane-title">{shownTitle(info)}</span>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Close ${shownTitle(info)}`}
            onClick={() => closeOrAsk(client, [id])}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </div>
      )}
      {info.isBroadcasting && <BroadcastBar id={id} />}
      <StatusBar info={info} />
      <UploadBars id={id} />
      {info.clipboardText !== undefined && <ClipboardBar id={id} text={info.clipboardText} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: all that is in its menu has keys, too */}
      <div
        className="terminal-room"
        data-drop={isOver || undefined}
        onContextMenu={onContextMenu}
        onDragOver={(event) => {
          if (state !== "open" || info.kind.type !== "shell" || !event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={onDrop}
      >
        {isSearched && <SearchBar id={id} />}
        <div ref={frame} className="terminal-box" />
        {link !== undefined && (
          <div className="terminal-link" aria-hidden>
            {link}
          </div>
        )}
      </div>
    </div>
  );
}
