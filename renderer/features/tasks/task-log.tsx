import { ActionIcon, Alert, CopyButton, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconCopy, IconInfoCircle } from "@tabler/icons-react";
import type { Task } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useIsLive } from "../../state/live.ts";
import { useTaskOutput } from "../../state/tasks.ts";
import { CopyTextButton } from "../../ui/copy-text-button.tsx";
import { FollowingText } from "../../ui/following-text.tsx";
import { formatCommand, formatDate } from "../../ui/format.ts";
import { EarlyEndView, ProblemView } from "../../ui/problem-view.tsx";
import { retryTask } from "./retry-task.ts";
import { isRetriable, taskRequester } from "./task-text.ts";

/** All about one task: what went wrong and what to do, who asked and when, the commands, and what they print. */
export function TaskLog({ task, title }: { task: Task; title: string }) {
  const client = useClient();
  const isLive = useIsLive();
  const { notices, endedAtOnce, problem, state, target, commands } = task;
  return (
    <section aria-label="Task log" className="task-log">
      {problem && state === "failed" && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={problem} onRetry={isLive && isRetriable(task) ? () => retryTask(client, task) : undefined} />
        </Alert>
      )}
      {endedAtOnce && (
        <Alert color="yellow" icon={<IconInfoCircle aria-hidden />}>
          <EarlyEndView name={target} end={endedAtOnce} />
        </Alert>
      )}
      {notices.length > 0 && (
        <Alert color="yellow" icon={<IconInfoCircle aria-hidden />}>
          {notices.map((notice) => (
            <div key={notice}>{notice}</div>
          ))}
        </Alert>
      )}
      <Text size="sm" c="dimmed">
        {storyOf(task)}
      </Text>
      {commands.length > 0 && <Commands title={title} commands={commands} />}
      <Output task={task} title={title} />
    </section>
  );
}

/** Who and when, in a sentence or three. */
function storyOf(task: Task): string {
  const { startedAt, askedAt, endedAt, state } = task;
  const requester = taskRequester(task);
  const by = requester === undefined ? "" : ` by ${requester}`;
  const hasWaited = askedAt !== undefined || state === "waiting";
  return [
    hasWaited && `Asked for${by}: ${formatDate(askedAt ?? startedAt)}.`,
    state !== "waiting" && `Started${hasWaited ? "" : by}: ${formatDate(startedAt)}.`,
    endedAt !== undefined && `Ended: ${formatDate(endedAt)}.`,
  ]
    .filter((sentence) => sentence !== false)
    .join(" ");
}

function Commands({ title, commands }: { title: string; commands: readonly string[][] }) {
  const texts = commands.map(formatCommand);
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={500}>
          Commands
        </Text>
        {texts.length > 1 && <CopyTextButton text={texts.join("\n")} label="Copy all commands" />}
      </Group>
      <ol className="plain-list commands" aria-label={`Commands of ${title}`}>
        {texts.map((text, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: commands are only ever added, and one may run twice
          <li key={index}>
            <code>{text}</code>
            <CopyCommandButton text={text} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function CopyCommandButton({ text }: { text: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={copied ? "Copied" : `Copy command ${text}`}
          title="Copy command"
          onClick={copy}
        >
          {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
        </ActionIcon>
      )}
    </CopyButton>
  );
}

function Output({ task: { id, endedAt }, title }: { task: Task; title: string }) {
  const output = useTaskOutput(id);
  const text = output?.text ?? "";
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm" fw={500}>
          Output{output?.truncated && " (its end; earlier lines are left out)"}
        </Text>
        {text !== "" && <CopyTextButton text={text} label="Copy output" />}
      </Group>
      <FollowingText
        label={`Output of ${title}`}
        className="log-text task-output"
        text={text !== "" ? text : output === undefined ? "…" : endedAt === undefined ? "Nothing was printed yet." : "Nothing was printed."}
      />
    </Stack>
  );
}
