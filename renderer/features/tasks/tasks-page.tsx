import { Button, Group, NativeSelect } from "@mantine/core";
import { IconListCheck, IconSearchOff } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import type { Task } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useTasksStore } from "../../state/tasks.ts";
import { FilterBox } from "../../ui/filter-box.tsx";
import { EmptyState, Page } from "../../ui/page.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { filterTasks, type TaskFilter, taskFilters, taskNews, taskTitle } from "./task-text.ts";
import { TasksTable } from "./tasks-table.tsx";

const filterChoices = Object.entries(taskFilters).map(([value, { label }]) => ({ value, label }));

/** Everything that is done and was done, also before the app was last started: by whom, how it went, the commands behind it. */
export function TasksPage() {
  const client = useClient();
  const tasks = useTasksStore((state) => state.tasks);
  const [filter, setFilter] = useState<TaskFilter>("all");
  const [text, setText] = useState("");
  // Typing goes on while hundreds of rows change.
  const searched = useDeferredValue(text);
  const shown = useMemo(() => filterTasks(tasks, filter, searched), [tasks, filter, searched]);
  const showAll = () => {
    setFilter("all");
    setText("");
  };

  if (tasks.length === 0) {
    return (
      <Page title="Tasks">
        <EmptyState icon={<IconListCheck size={48} stroke={1.2} />} title="Nothing done yet">
          What you do with containers shows up here, with its progress, the exact commands and what they printed. It is kept when LXC
          Desktop is closed.
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title="Tasks"
      actions={
        <Group gap="sm">
          <NativeSelect
            aria-label="Show tasks"
            data={filterChoices}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value as TaskFilter)}
          />
          <FilterBox label="Filter tasks" value={text} onChange={setText} />
          {tasks.some(({ endedAt }) => endedAt !== undefined) && (
            <Button className="keep-width" variant="default" onClick={() => void client.call("tasks.clear", {}).catch(showProblem)}>
              Clear finished
            </Button>
          )}
        </Group>
      }
    >
      <Announcement tasks={tasks} />
      {shown.length === 0 ? (
        <EmptyState
          icon={<IconSearchOff size={40} stroke={1.2} />}
          title="Nothing matches"
          action={
            <Button variant="default" onClick={showAll}>
              Show all {tasks.length}
            </Button>
          }
        >
          No task is like that.
        </EmptyState>
      ) : (
        <TasksTable tasks={shown} />
      )}
    </Page>
  );
}

/** The newest step, for those who cannot see it change. */
function Announcement({ tasks }: { tasks: readonly Task[] }) {
  const running = tasks.find(({ state }) => state === "running");
  const news = running && taskNews(running);
  return (
    <div role="status" className="visually-hidden">
      {running && news !== undefined && `${taskTitle(running)}: ${news}`}
    </div>
  );
}
