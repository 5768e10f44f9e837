import { Alert, Anchor, Group, Loader, Tabs, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconArrowLeft, IconBoxOff, IconInfoCircle } from "@tabler/icons-react";
import { type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { useContainer, useContainers } from "../../state/containers.ts";
import { useLastTask } from "../../state/tasks.ts";
import { EmptyState } from "../../ui/page.tsx";
import { containerPath } from "../../ui/paths.ts";
import { EarlyEndView, ProblemView } from "../../ui/problem-view.tsx";
import { StateLabel } from "../../ui/state-label.tsx";

const tabs = [
  { id: "overview", label: "Overview" },
  { id: "metrics", label: "Metrics" },
  { id: "terminal", label: "Terminal" },
  { id: "logs", label: "Logs" },
  { id: "security", label: "Security" },
  { id: "configuration", label: "Configuration" },
] as const;
export type TabId = (typeof tabs)[number]["id"];

type Props = {
  name: string;
  /** From the address; an unknown one is the first. */
  tab: string;
  actions(container: Container): ReactNode;
  panels: Record<TabId, (container: Container) => ReactNode>;
};

/** One container: what it is and does, and a way into it. */
export function ContainerPage({ name, tab, actions, panels }: Props) {
  const [, go] = useLocation();
  const container = useContainer(name);
  const isListKnown = useContainers() !== undefined;
  const current = tabs.find(({ id }) => id === tab)?.id ?? "overview";
  const [isTerminalKept, setIsTerminalKept] = useState(current === "terminal");
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    document.title = `${name} – LXC Desktop`;
    heading.current?.focus({ preventScroll: true });
  }, [name]);
  // A terminal that was opened goes on while another tab is looked at.
  useEffect(() => {
    if (current === "terminal") setIsTerminalKept(true);
  }, [current]);

  if (!container) {
    if (!isListKnown) return <Loader aria-label="Loading" />;
    return (
      <EmptyState
        icon={<IconBoxOff size={48} stroke={1.2} />}
        title={`There is no container ${name}`}
        isPage
        action={
          <Anchor component={Link} href="/containers">
            Show all containers
          </Anchor>
        }
      >
        It may have been destroyed or renamed.
      </EmptyState>
    );
  }
  return (
    <div className="page container-page">
      <Anchor component={Link} href="/containers" size="sm" className="back-link">
        <IconArrowLeft size={14} aria-hidden /> All containers
      </Anchor>
      <Group justify="space-between" wrap="wrap" gap="sm" mb="sm">
        <Group gap="md" wrap="nowrap">
          <Title order={1} size="h2" ref={heading} tabIndex={-1} className="page-title">
            {name}
          </Title>
          <StateLabel container={container} />
        </Group>
        <div className="page-actions">{actions(container)}</div>
      </Group>
      <LastStart container={container} />
      {container.throwAway && (
        <Text size="sm" mb="sm" className="warning">
          A throw-away container: it is removed when it stops or its last terminal closes, unless you keep it.
        </Text>
      )}
      {container.note && (
        <Text size="sm" mb="sm" className={container.state === "error" ? "dangerous" : "warning"}>
          {container.note}
        </Text>
      )}
      <Tabs
        value={current}
        onChange={(next) => go(containerPath(name, next === "overview" ? undefined : (next ?? undefined)), { replace: true })}
        keepMounted={false}
        // A hidden terminal has to go on living, not only its elements.
        keepMountedMode="display-none"
        className="container-tabs"
      >
        <Tabs.List mb="md">
          {tabs.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ id }) => (
          <Tabs.Panel key={id} value={id} keepMounted={id === "terminal" && isTerminalKept} className="container-panel">
            <Suspense fallback={<Loader aria-label="Loading" />}>{panels[id](container)}</Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </div>
  );
}

/** Why it does not run although somebody wanted it to. */
function LastStart({ container: { name, state } }: { container: Container }) {
  const task = useLastTask(name);
  if (task === undefined || (state !== "stopped" && state !== "error")) return null;
  if (task.problem?.code === "start-failed") {
    return (
      <Alert color="red" mb="md" icon={<IconAlertTriangle aria-hidden />} title={`${name} did not start`}>
        <ProblemView problem={task.problem} withTitle={false} />
      </Alert>
    );
  }
  if (task.endedAtOnce === undefined) return null;
  return (
    <Alert color="yellow" mb="md" icon={<IconInfoCircle aria-hidden />} title={`${name} has ended already`} role="status">
      <EarlyEndView name={name} end={task.endedAtOnce} />
    </Alert>
  );
}
