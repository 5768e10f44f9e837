import { Alert, Button, Collapse, Group, Loader, Paper, Progress, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconBan, IconCheck, IconInfoCircle, IconListCheck } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { Task, TaskKind } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useTaskOutput, useTasksStore } from "../../state/tasks.ts";
import { CodeBlock, CommandBlock } from "../../ui/code-block.tsx";
import { formatDuration } from "../../ui/format.ts";
import { EmptyState, Page } from "../../ui/page.tsx";
import { EarlyEndView, ProblemView } from "../../ui/problem-view.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { useNow } from "../../ui/use-now.ts";

const verbs: Record<TaskKind, string> = {
  create: "Create",
  clone: "Clone to",
  start: "Start",
  stop: "Stop",
  "force-stop": "Force stop",
  restart: "Restart",
  freeze: "Freeze",
  unfreeze: "Unfreeze",
  destroy: "Destroy",
  recover: "Clean up",
  repair: "Fix",
  fix: "Fix",
  download: "Download",
};

const stateTexts: Record<Task["state"], string> = { running: "Running", succeeded: "Done", failed: "Failed", cancelled: "Cancelled" };

/** Everything that was done since the helper started: how it goes, the commands behind it, what they printed. */
export function TasksPage() {
  const client = useClient();
  const tasks = useTasksStore((state) => state.tasks);
  const hasFinished = tasks.some(({ state }) => state !== "running");
  return (
    <Page
      title="Tasks"
      actions={
        hasFinished && (
          <Button variant="default" size="sm" onClick={() => void client.call("tasks.clear", {}).catch(showProblem)}>
            Clear finished
          </Button>
        )
      }
    >
      {tasks.length === 0 ? (
        <EmptyState icon={<IconListCheck size={48} stroke={1.2} />} title="Nothing done yet">
          What you do with containers shows up here, with its progress, the exact commands and what they printed.
        </EmptyState>
      ) : (
        <Stack gap="xs" component="ul" className="plain-list" aria-label="Tasks">
          {tasks.map((task) => (
            <TaskItem key={task.id} task={task} />
          ))}
        </Stack>
      )}
    </Page>
  );
}

function TaskItem({ task }: { task: Task }) {
  const client = useClient();
  const { id, kind, target, state, step, fraction, cancellable } = task;
  const title = `${verbs[kind]} ${target}`;
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Paper component="li" withBorder p="sm">
      <Group justify="space-between" wrap="wrap" gap="xs">
        <Group gap="sm" wrap="nowrap">
          <TaskIcon state={state} />
          <div>
            <Text fw={500}>{title}</Text>
            <Text size="xs" c="dimmed">
              {state === "running" ? (step ?? "Running") : stateTexts[state]} · <Elapsed task={task} />
            </Text>
          </div>
        </Group>
        <Group gap="xs">
          {state === "running" && cancellable && (
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`Cancel ${title}`}
              onClick={() => void client.call("tasks.cancel", { task: id }).catch(showProblem)}
            >
              Cancel
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="subtle"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? "Hide" : "Show"} output of ${title}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            {isOpen ? "Hide output" : "Show output"}
          </Button>
        </Group>
      </Group>
      {state === "running" && (
        <Progress
          mt="xs"
          size="sm"
          value={fraction === undefined ? 100 : fraction * 100}
          animated={fraction === undefined}
          aria-label={`Progress of ${title}`}
        />
      )}
      {task.notices.length > 0 && (
        <Alert mt="xs" color="yellow" icon={<IconInfoCircle aria-hidden />}>
          {task.notices.map((notice) => (
            <div key={notice}>{notice}</div>
          ))}
        </Alert>
      )}
      {task.endedAtOnce && (
        <Alert mt="xs" color="yellow" icon={<IconInfoCircle aria-hidden />}>
          <EarlyEndView name={target} end={task.endedAtOnce} />
        </Alert>
      )}
      {task.problem && state === "failed" && (
        <Alert mt="xs" color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={task.problem} />
        </Alert>
      )}
      <Collapse expanded={isOpen}>{isOpen && <TaskDetails task={task} title={title} />}</Collapse>
    </Paper>
  );
}

function TaskDetails({ task, title }: { task: Task; title: string }) {
  const output = useTaskOutput(task.id);
  const { commands } = task;
  const end = useRef<HTMLDivElement>(null);
  const isRunning = task.state === "running";
  useEffect(() => {
    if (isRunning && output !== undefined) end.current?.scrollIntoView({ block: "nearest" });
  }, [output, isRunning]);
  return (
    <Stack gap="xs" mt="xs">
      {commands.length > 0 && <CommandBlock title="Commands" label={`Commands of ${title}`} commands={commands} />}
      <div>
        <Text size="sm" fw={500}>
          Output
        </Text>
        <CodeBlock role="log" label={`Output of ${title}`}>
          {output === undefined ? "…" : output === "" ? "Nothing was printed." : output}
          <div ref={end} />
        </CodeBlock>
      </div>
    </Stack>
  );
}

function TaskIcon({ state }: { state: Task["state"] }) {
  if (state === "running") return <Loader size={18} aria-hidden />;
  if (state === "succeeded") return <IconCheck size={18} className="safe" aria-hidden />;
  if (state === "failed") return <IconAlertTriangle size={18} className="dangerous" aria-hidden />;
  return <IconBan size={18} aria-hidden />;
}

function Elapsed({ task: { startedAt, endedAt } }: { task: Task }) {
  const now = useNow(1_000);
  const took = (endedAt ?? now) - startedAt;
  return <>{took < 1000 ? `${Math.max(0, Math.round(took))} ms` : formatDuration(took)}</>;
}
