import { Button, Loader } from "@mantine/core";
import { IconPlayerPlay, IconPlus, IconTerminal2 } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useIsLive } from "../../state/live.ts";
import { noTabs } from "../../state/terminal-layout.ts";
import { addTerminal, useTerminals } from "../../state/terminals.ts";
import { EmptyState } from "../../ui/page.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { usePaneState } from "./pane-state.ts";
import { SplitView } from "./split-view.tsx";
import { onTerminalKeys } from "./terminal-actions.ts";
import { ContextMenu, TerminalMenu } from "./terminal-menu.tsx";
import { TerminalQuestions } from "./terminal-questions.tsx";
import { TerminalTabs } from "./terminal-tabs.tsx";

/** The terminals of a container. A shell opens with the page where there is none yet; they all live on when another page is looked at. */
export function TerminalPanel({ container }: { container: Container }) {
  const client = useClient();
  const isLive = useIsLive();
  const { name, state, manageable } = container;
  const row = useTerminals(({ rows }) => rows[name]) ?? noTabs;
  const isKnown = useTerminals((terminals) => terminals.isKnown);
  const isFull = usePaneState((pane) => pane.isFull);
  const hasOpened = useRef(false);
  const hasTabs = row.tabs.length > 0;
  const isRunning = state === "running";
  const isWanted = manageable && isKnown && isLive && isRunning && !hasTabs;

  useEffect(() => {
    if (hasTabs) hasOpened.current = true;
    // Once: whoever has closed the last one wants none.
    if (!isWanted || hasOpened.current) return;
    hasOpened.current = true;
    addTerminal(name, { type: "shell" }, { type: "tab" });
  }, [isWanted, hasTabs, name]);
  useEffect(() => () => usePaneState.setState({ isFull: false, searched: undefined, renamed: undefined, menu: undefined }), []);

  if (!manageable) {
    return (
      <EmptyState icon={<IconTerminal2 size={48} stroke={1.2} />} title="No terminal for this container">
        {container.note}
      </EmptyState>
    );
  }
  if (!hasTabs && isRunning) {
    if (!hasOpened.current) return <Loader aria-label="Loading" />;
    return (
      <EmptyState
        icon={<IconTerminal2 size={48} stroke={1.2} />}
        title="No terminal is open"
        action={
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            disabled={!isLive}
            onClick={() => addTerminal(name, { type: "shell" }, { type: "tab" })}
          >
            New shell
          </Button>
        }
      >
        A shell in {name}, as root.
      </EmptyState>
    );
  }
  if (!hasTabs) {
    return (
      <EmptyState
        icon={<IconTerminal2 size={48} stroke={1.2} />}
        title={state === "frozen" ? `${name} is frozen` : `${name} does not run`}
        action={
          state === "stopped" ? (
            <Button
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
              onClick={() => void client.call("containers.start", { name }).catch(showProblem)}
            >
              Start
            </Button>
          ) : undefined
        }
      >
        {state === "frozen"
          ? "Its processes are paused, and so would be a shell. Unfreeze it first."
          : "A shell needs a running container."}
      </EmptyState>
    );
  }
  const current = row.tabs.find(({ id }) => id === row.current) ?? row.tabs[0];
  /** Of what is around the terminals; in them the keys are looked at before the shell gets them. */
  const onKeyDown = (event: KeyboardEvent) => {
    if (!current || event.defaultPrevented || (event.target instanceof Element && event.target.closest(".xterm, input, [role=menu]")))
      return;
    if (onTerminalKeys(client, current.active, event.nativeEvent) === "app") event.preventDefault();
  };
  return (
    <section
      aria-label={`Terminal ${name}`}
      className="terminal-frame"
      data-terminals-of={name}
      data-full={isFull || undefined}
      onKeyDown={onKeyDown}
    >
      <div className="terminal-head">
        <TerminalTabs container={name} row={row} />
        <TerminalMenu container={name} active={current?.active} canOpen={isRunning && isLive} />
      </div>
      {current && (
        <div key={current.id} id={`${current.id}-panel`} role="tabpanel" aria-labelledby={current.id} className="terminal-panel">
          <SplitView node={current.root} active={current.active} isAlone={current.root.type === "terminal"} />
        </div>
      )}
      <ContextMenu />
      <TerminalQuestions />
    </section>
  );
}
