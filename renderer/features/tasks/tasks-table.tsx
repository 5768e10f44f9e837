import { Button } from "@mantine/core";
import { IconAlertTriangle, IconBan, IconCheck, IconChevronDown, IconChevronRight, IconHourglass, IconLoader2 } from "@tabler/icons-react";
import { type MouseEvent, memo, type ReactNode, useCallback, useState } from "react";
import { Link } from "wouter";
import type { Task } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useContainersStore } from "../../state/containers.ts";
import { useIsLive } from "../../state/live.ts";
import { formatDate, formatMoment, unknownFigure } from "../../ui/format.ts";
import { containerPath } from "../../ui/paths.ts";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { useNow } from "../../ui/use-now.ts";
import { retryTask } from "./retry-task.ts";
import { TaskLog } from "./task-log.tsx";
import { isRetriable, stateTexts, taskNews, taskRequester, taskTitle, taskTook } from "./task-text.ts";

const columnCount = 7;

/** Made of plain elements, as the table of containers. One row at a time shows its details. */
export function TasksTable({ tasks }: { tasks: readonly Task[] }) {
  const [open, setOpen] = useState<string>();
  const toggle = useCallback((id: string) => setOpen((before) => (before === id ? undefined : id)), []);
  return (
    <div className="table-frame">
      <table aria-label="Tasks" className="data-table tasks-table">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col" className="column-container">
              Container
            </th>
            <th scope="col" className="column-who">
              Who
            </th>
            <th scope="col" className="column-started">
              Started
            </th>
            <th scope="col" className="column-took">
              Duration
            </th>
            <th scope="col" className="column-actions">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <TaskRow key={task.id} task={task} isOpen={open === task.id} onToggle={toggle} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Drawn again only when its own task changes. */
const TaskRow = memo(function TaskRow({ task, isOpen, onToggle }: { task: Task; isOpen: boolean; onToggle(id: string): void }) {
  const { id, state, startedAt, fraction } = task;
  const title = taskTitle(task);
  const news = taskNews(task);
  const details = `task-${id}`;
  // For the mouse; the keyboard has the button in the row's header.
  const onClick = ({ target }: MouseEvent) => {
    const isControl = target instanceof Element && target.closest("a, button") !== null;
    // A double click that marks a word opens and closes nothing.
    if (!isControl && getSelection()?.isCollapsed !== false) onToggle(id);
  };
  return (
    <>
      <tr className="task-row" data-open={isOpen || undefined} onClick={onClick}>
        <td>
          <span className="state with-icon" data-task-state={state}>
            {stateIcons[state]}
            <span>{stateTexts[state]}</span>
          </span>
        </td>
        <th scope="row" className="column-task">
          <button
            type="button"
            className="row-button"
            aria-expanded={isOpen}
            aria-controls={isOpen ? details : undefined}
            onClick={() => onToggle(id)}
          >
            {isOpen ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
            <span className="row-title">{title}</span>
          </button>
          {news !== undefined && (
            <div className="second-line" title={news}>
              {news}
            </div>
          )}
          {state === "running" && <ProgressBar mt={4} size="xs" fraction={fraction} label={`Progress of ${title}`} />}
        </th>
        <td className="column-container">
          <Target task={task} />
        </td>
        <td className="column-who">{taskRequester(task) ?? unknownFigure}</td>
        <td className="column-started figure">
          <Started at={startedAt} />
        </td>
        <td className="column-took figure">{state === "running" ? <Elapsed task={task} /> : (taskTook(task, 0) ?? unknownFigure)}</td>
        <td className="column-actions">
          <TaskActions task={task} title={title} />
        </td>
      </tr>
      {isOpen && (
        <tr className="task-details">
          <td colSpan={columnCount} id={details}>
            <TaskLog task={task} title={title} />
          </td>
        </tr>
      )}
    </>
  );
});

const stateIcons: Record<Task["state"], ReactNode> = {
  waiting: <IconHourglass size={14} aria-hidden />,
  running: <IconLoader2 size={14} aria-hidden className="turning" />,
  succeeded: <IconCheck size={14} aria-hidden />,
  failed: <IconAlertTriangle size={14} aria-hidden />,
  cancelled: <IconBan size={14} aria-hidden />,
};

/** A link as long as there is such a container; what mends the computer is about none. */
function Target({ task: { kind, target } }: { task: Task }) {
  const exists = useContainersStore(({ containers }) => kind !== "fix" && containers?.has(target) === true);
  if (kind === "fix") return unknownFigure;
  if (!exists)
    return (
      <span className="task-target" title={target}>
        {target}
      </span>
    );
  return (
    <Link href={containerPath(target)} className="task-target" title={target}>
      {target}
    </Link>
  );
}

function Started({ at }: { at: number }) {
  // Midnight comes seldom, but it comes.
  const now = useNow(60_000);
  return (
    <time dateTime={new Date(at).toISOString()} title={formatDate(at)}>
      {formatMoment(at, now)}
    </time>
  );
}

function Elapsed({ task }: { task: Task }) {
  return <>{taskTook(task, useNow(1_000))}</>;
}

function TaskActions({ task, title }: { task: Task; title: string }) {
  const client = useClient();
  const isLive = useIsLive();
  if (task.cancellable && task.endedAt === undefined) {
    return (
      <Button
        size="compact-sm"
        variant="default"
        disabled={!isLive}
        aria-label={`Cancel ${title}`}
        onClick={() => void client.call("tasks.cancel", { task: task.id }).catch(showProblem)}
      >
        Cancel
      </Button>
    );
  }
  if (!isRetriable(task)) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      disabled={!isLive}
      aria-label={`Retry ${title}`}
      onClick={() => void retryTask(client, task)}
    >
      Retry
    </Button>
  );
}
