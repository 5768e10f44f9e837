import { Alert, Button, Group, Skeleton, Stack } from "@mantine/core";
import { IconBox, IconChartLine, IconPlus, IconSearchOff } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useContainersStore } from "../../state/containers.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { allRunning, useMetricsStore, useMetricsWatch } from "../../state/metrics.ts";
import { FilterBox } from "../../ui/filter-box.tsx";
import { EmptyState, Page } from "../../ui/page.tsx";
import { comparePath } from "../../ui/paths.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ContainersTable } from "./containers-table.tsx";
import { NotReadyNotice } from "./not-ready-notice.tsx";
import { filterContainers, type Sorting, type SortKey, sortContainers } from "./rows.ts";

const liveKeys: ReadonlySet<SortKey> = new Set(["cpu", "memory", "processes"]);

/** All containers, live. */
export function ContainersPage() {
  useMetricsWatch(allRunning);
  const isLive = useIsLive();
  const { containers, problem, askAgain } = useContainersStore();
  const [filter, setFilter] = useState("");
  const [sorting, setSorting] = useState<Sorting>({ key: "name", isDescending: false });
  // The rows change places with the figures only where they are sorted by figures.
  const points = useMetricsStore((state) => (liveKeys.has(sorting.key) ? state.points : undefined));
  const shown = useMemo(
    () => (containers ? sortContainers(filterContainers(containers.values(), filter), sorting, points ?? {}) : []),
    [containers, filter, sorting, points],
  );
  const sortBy = (key: SortKey) => setSorting((before) => ({ key, isDescending: before.key === key && !before.isDescending }));
  const createButton = (
    <Button
      className="keep-width"
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => openDialog({ type: "create" })}
      disabled={!isLive}
    >
      Create container
    </Button>
  );

  if (problem) {
    return (
      <Page title="Containers">
        <Alert color="red">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      </Page>
    );
  }
  if (!containers) {
    return (
      <Page title="Containers">
        <Stack gap="xs" role="status" aria-label="Loading containers">
          {[0, 1, 2].map((row) => (
            <Skeleton key={row} height={38} />
          ))}
        </Stack>
      </Page>
    );
  }
  if (containers.size === 0) {
    return (
      <Page title="Containers">
        <EmptyState
          icon={<IconBox size={48} stroke={1.2} />}
          title="No containers yet"
          action={
            <>
              <NotReadyNotice />
              {createButton}
            </>
          }
        >
          A container is a light Linux machine with its own root, processes and network. Create one: the BusyBox template needs no download
          and runs in about a second.
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title="Containers"
      actions={
        <Group gap="sm" className="list-tools">
          <FilterBox label="Filter containers" value={filter} onChange={setFilter} />
          <Button
            component={Link}
            href={comparePath([])}
            variant="default"
            leftSection={<IconChartLine size={16} aria-hidden />}
            className="keep-width compare-button"
          >
            Compare
          </Button>
          {createButton}
        </Group>
      }
    >
      {shown.length === 0 ? (
        <EmptyState
          icon={<IconSearchOff size={40} stroke={1.2} />}
          title="Nothing matches"
          action={
            <Button variant="default" onClick={() => setFilter("")}>
              Show all {containers.size}
            </Button>
          }
        >
          No container has “{filter}” in its name, state or addresses.
        </EmptyState>
      ) : (
        <ContainersTable containers={shown} sorting={sorting} onSort={sortBy} />
      )}
    </Page>
  );
}
