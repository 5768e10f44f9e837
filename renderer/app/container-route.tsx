import { Group } from "@mantine/core";
import { ConfigurationPanel } from "../features/configuration/configuration-panel.tsx";
import { ContainerPage } from "../features/container/container-page.tsx";
import { Overview } from "../features/container/overview.tsx";
import { ContainerActions } from "../features/containers/container-actions.tsx";
import { LogsPanel } from "../features/logs/logs-panel.tsx";
import { RunCommandButton } from "../features/terminal/run-command-button.tsx";
import { later } from "./later.ts";

const TerminalPanel = later(() => import("../features/terminal/terminal-panel.tsx").then(({ TerminalPanel }) => TerminalPanel));
const ContainerMetrics = later(() => import("../features/metrics/container-metrics.tsx").then(({ ContainerMetrics }) => ContainerMetrics));

const SecurityPanel = later(() => import("../features/security/security-panel.tsx").then(({ SecurityPanel }) => SecurityPanel));

/** Joins the features that make up a container's page. */
export function ContainerRoute({ name, tab }: { name: string; tab: string }) {
  return (
    <ContainerPage
      name={name}
      tab={tab}
      actions={(container) => (
        <Group gap={6} className="joined-actions">
          <RunCommandButton container={container} />
          <ContainerActions container={container} layout="page" />
        </Group>
      )}
      panels={{
        metrics: (container) => <ContainerMetrics container={container} />,
        overview: (container) => <Overview container={container} />,
        terminal: (container) => <TerminalPanel container={container} />,
        logs: (container) => <LogsPanel name={container.name} />,
        security: (container) => <SecurityPanel container={container} />,
        configuration: (container) => <ConfigurationPanel name={container.name} />,
      }}
    />
  );
}
