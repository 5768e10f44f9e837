import { ActionIcon, Button, Loader, Menu, Text, Title } from "@mantine/core";
import { IconArrowBackUp, IconChevronDown, IconTerminal2 } from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { ownTerminalName } from "../../backend/own-terminal.ts";
import { useTerminals } from "../../state/terminals.ts";
import { EmptyState } from "../../ui/page.tsx";
import { closingDone } from "./live-terminals.ts";
import { returnToApp } from "./own-window.ts";
import { ContextMenu, OwnWindowItems } from "./terminal-menu.tsx";
import { TerminalPane } from "./terminal-pane.tsx";
import { TerminalQuestions } from "./terminal-questions.tsx";
import { shownTitle } from "./terminal-title.ts";

/**
 * One terminal, and nothing else of the app. Closing the window puts it back into the app's window, and closing the terminal closes the
 * window.
 * @param notice What is wrong with the connection.
 */
export function TerminalWindow({ notice }: { notice: ReactNode }) {
  const isKnown = useTerminals((state) => state.isKnown);
  const info = useTerminals(({ terminals }) => [...terminals.values()][0]);
  const isClosed = isKnown && info === undefined;
  const isElsewhere = info?.isElsewhere === true;
  const called = info && (ownTerminalName ?? shownTitle(info));
  const title = info && `${called} – ${info.container}`;

  useEffect(() => {
    document.title = title ?? "LXC Desktop";
  }, [title]);
  useEffect(() => {
    if (!isClosed && !isElsewhere) return;
    void closingDone().then(() => window.close());
  }, [isClosed, isElsewhere]);

  if (!info) {
    return (
      <main id="main" className="full-screen">
        {notice}
        {isClosed ? (
          <EmptyState icon={<IconTerminal2 size={48} stroke={1.2} />} title="This terminal is closed">
            This window can be closed, too.
          </EmptyState>
        ) : (
          !notice && <Loader aria-label="Loading" />
        )}
      </main>
    );
  }
  return (
    <main id="main" className="terminal-window">
      <section aria-label={`Terminal ${info.container}`} className="terminal-frame">
        <div className="terminal-head">
          <Title order={1} className="terminal-window-title">
            {called}
            <Text span inherit c="dimmed" fw={400}>
              {" "}
              {info.container}
            </Text>
          </Title>
          <div className="terminal-buttons">
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              leftSection={<IconArrowBackUp size={16} aria-hidden />}
              disabled={isElsewhere}
              onClick={() => void returnToApp(info.id)}
            >
              Back
            </Button>
            <Menu
              position="bottom-end"
              withinPortal
              portalProps={{ target: "#main" }}
              shadow="md"
              withInitialFocusPlaceholder={false}
              returnFocus={false}
            >
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" aria-label="What can be done with this terminal" disabled={isElsewhere}>
                  <IconChevronDown size={18} aria-hidden />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown className="terminal-menu">
                <OwnWindowItems id={info.id} />
              </Menu.Dropdown>
            </Menu>
          </div>
        </div>
        {notice}
        <div className="terminal-panel">
          <TerminalPane id={info.id} isActive isAlone />
        </div>
        <ContextMenu />
        <TerminalQuestions />
      </section>
    </main>
  );
}
