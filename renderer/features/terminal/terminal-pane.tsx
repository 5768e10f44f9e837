import { ActionIcon } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type MouseEvent, useEffect, useRef } from "react";
import { useClient } from "../../state/connection.ts";
import { showTerminal } from "../../state/terminal-layout.ts";
import { changeRow, useTerminals } from "../../state/terminals.ts";
import { beginTerminal, liveTerminal } from "./live-terminals.ts";
import { BroadcastBar, ClipboardBar, StatusBar } from "./pane-bars.tsx";
import { usePaneState } from "./pane-state.ts";
import { SearchBar } from "./search-bar.tsx";
import { closeOrAsk } from "./terminal-actions.ts";
import { shownTitle } from "./terminal-title.ts";

type Props = {
  id: string /** It has the focus when it is shown. */;
  isActive: boolean /** There is nothing beside it. */;
  isAlone: boolean;
};

/** One terminal in its place, and what there is to say about it. What is written in it is not to be trusted: nothing of it may act on the page. */
export function TerminalPane({ id, isActive, isAlone }: Props) {
  const client = useClient();
  const frame = useRef<HTMLDivElement>(null);
  const info = useTerminals(({ terminals }) => terminals.get(id));
  const isRinging = usePaneState(({ ringing }) => ringing.has(id));
  const isSearched = usePaneState(({ searched }) => searched === id);
  const link = usePaneState(({ links }) => links[id]);
  const state = info?.status.state;
  const container = info?.container;

  useEffect(() => {
    if (!frame.current) return;
    const live = liveTerminal(client, id);
    live.show(frame.current);
    return () => live.hide();
  }, [client, id]);
  useEffect(() => {
    if (state === "opening") beginTerminal(client, id);
  }, [client, id, state]);
  useEffect(() => {
    if (isActive && (state === "opening" || state === "open")) liveTerminal(client, id).xterm.focus();
  }, [client, id, isActive, state]);
  if (!info) return null;

  const onFocus = () => {
    if (container !== undefined && !isActive && !isAlone) changeRow(container, (row) => showTerminal(row, id));
  };
  const onContextMenu = (event: MouseEvent) => {
    event.preventDefault();
    const { modes } = liveTerminal(client, id).xterm;
    // A program that asked for the mouse gets its buttons, but with Shift.
    if (modes.mouseTrackingMode !== "none" && !event.shiftKey) return;
    usePaneState.setState({ menu: { terminal: id, left: event.clientX, top: event.clientY } });
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
      {info.clipboardText !== undefined && <ClipboardBar id={id} text={info.clipboardText} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: all that is in its menu has keys, too */}
      <div className="terminal-room" onContextMenu={onContextMenu}>
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
