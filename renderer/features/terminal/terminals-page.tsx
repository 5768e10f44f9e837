import { Anchor, Button, Group } from "@mantine/core";
import { IconTerminal2, IconX } from "@tabler/icons-react";
import { Link, useLocation } from "wouter";
import { useClient } from "../../state/connection.ts";
import { useContainers } from "../../state/containers.ts";
import { showTerminal, terminalsIn } from "../../state/terminal-layout.ts";
import { changeRow, type TerminalInfo, useTerminals } from "../../state/terminals.ts";
import { formatMoment } from "../../ui/format.ts";
import { EmptyState, Page } from "../../ui/page.tsx";
import { containerPath } from "../../ui/paths.ts";
import { minute, useNow } from "../../ui/use-now.ts";
import { closeOrAsk } from "./terminal-actions.ts";
import { TerminalQuestions } from "./terminal-questions.tsx";
import { explainEnd, shownTitle } from "./terminal-title.ts";

/** Every terminal that is open, of whatever container. */
export function TerminalsPage() {
  const client = useClient();
  const [, go] = useLocation();
  const now = useNow(minute);
  const terminals = useTerminals((state) => state.terminals);
  const rows = useTerminals((state) => state.rows);
  const containers = useContainers();
  const inTabs = new Set(Object.values(rows).flatMap(({ tabs }) => tabs.flatMap(({ root }) => terminalsIn(root))));
  const shown = [...terminals.values()]
    .filter(({ id }) => inTabs.has(id))
    .sort((a, b) => a.container.localeCompare(b.container) || a.openedAt - b.openedAt);
  const show = ({ id, container }: TerminalInfo) => {
    changeRow(container, (row) => showTerminal(row, id));
    go(containerPath(container, "terminal"));
  };
  if (shown.length === 0) {
    return (
      <Page title="Terminals">
        <EmptyState
          icon={<IconTerminal2 size={48} stroke={1.2} />}
          title="No terminal is open"
          action={
            <Anchor component={Link} href="/containers">
              Show all containers
            </Anchor>
          }
        >
          Terminals are opened on a container's page. They go on when you look at another page, and all of them are listed here.
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title="Terminals"
      actions={
        <Button
          variant="default"
          leftSection={<IconX size={16} aria-hidden />}
          onClick={() =>
            closeOrAsk(
              client,
              shown.map(({ id }) => id),
            )
          }
        >
          Close all
        </Button>
      }
    >
      <div className="table-frame">
        <table className="data-table terminals-table" aria-label="Terminals">
          <thead>
            <tr>
              <th scope="col" className="column-label">
                Terminal
              </th>
              <th scope="col" className="column-label column-state">
                State
              </th>
              <th scope="col" className="column-label column-opened">
                Opened
              </th>
              <th scope="col" className="column-actions">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((info) => (
              <tr key={info.id}>
                <th scope="row" className="column-title">
                  <button type="button" className="link-button" onClick={() => show(info)}>
                    {tabName(info, rows) ?? shownTitle(info)}
                  </button>
                  <div className="second-line">
                    <Anchor component={Link} href={containerPath(info.container)} inherit>
                      {info.container}
                    </Anchor>
                  </div>
                </th>
                <td className="column-state">{sayState(info, containers?.get(info.container))}</td>
                <td className="column-opened figure">{formatMoment(info.openedAt, now)}</td>
                <td className="column-actions">
                  <Group gap={4} wrap="nowrap" justify="flex-end">
                    <Button
                      size="compact-sm"
                      variant="default"
                      className="show-terminal"
                      onClick={() => show(info)}
                      aria-label={`Show ${shownTitle(info)} of ${info.container}`}
                    >
                      Show
                    </Button>
                    <Button
                      size="compact-sm"
                      variant="subtle"
                      color="gray"
                      onClick={() => closeOrAsk(client, [info.id])}
                      aria-label={`Close ${shownTitle(info)} of ${info.container}`}
                    >
                      Close
                    </Button>
                  </Group>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <TerminalQuestions />
    </Page>
  );
}

function tabName(info: TerminalInfo, rows: ReturnType<typeof useTerminals.getState>["rows"]): string | undefined {
  const tab = rows[info.container]?.tabs.find(({ root }) => terminalsIn(root).includes(info.id));
  return tab && terminalsIn(tab.root).length === 1 ? tab.name : undefined;
}

function sayState(info: TerminalInfo, container: { name: string; state: string; startedAt?: number } | undefined): string {
  if (info.status.state === "open" && info.isElsewhere) return "Open, in its own window";
  if (info.status.state === "open") return info.isBroadcasting ? "Open, broadcasts" : "Open";
  if (info.status.state === "opening") return "Opening…";
  if (info.status.state === "failed") return "Did not open";
  return explainEnd(info, container ?? { name: info.container });
}
