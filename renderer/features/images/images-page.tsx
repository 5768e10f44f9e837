import { Alert, Anchor, Button, Group, Skeleton, Stack, Switch, Text } from "@mantine/core";
import { IconAlertTriangle, IconPhotoOff, IconPlus, IconRefresh, IconSearchOff } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import type { Catalog } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { openDialog } from "../../state/dialogs.ts";
import { loadCatalog, useCatalog, useCatalogStore, useDownloads, useSizes } from "../../state/images.ts";
import { useIsLive } from "../../state/live.ts";
import { FilterBox } from "../../ui/filter-box.tsx";
import { formatDuration } from "../../ui/format.ts";
import { filterImages, type ImageRow, imageRows, serverName } from "../../ui/image-rows.ts";
import { EmptyState, Page } from "../../ui/page.tsx";
import { explainProblem } from "../../ui/problem.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { minute, useNow } from "../../ui/use-now.ts";
import { ImagesTable } from "./images-table.tsx";
import { ReadyImages } from "./ready-images.tsx";
import { TemplatesList } from "./templates-list.tsx";

/** More rows are drawn, and more sizes asked for, only on demand: a thousand would make each keystroke in the filter slow. */
const shownTogether = 50;

/** What containers can be made of: images of servers, LXC's templates, and every stopped container as the base of a clone. */
export function ImagesPage() {
  const isLive = useIsLive();
  const [filter, setFilter] = useState("");
  return (
    <Page
      title="Images"
      actions={
        <Group gap="sm" wrap="nowrap">
          <FilterBox label="Filter images" value={filter} onChange={setFilter} />
          <Button
            className="keep-width"
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => openDialog({ type: "create" })}
            disabled={!isLive}
          >
            Create container
          </Button>
        </Group>
      }
    >
      <ReadyImages filter={filter} />
      <ServerImages filter={filter} onShowAll={() => setFilter("")} />
      <TemplatesList />
    </Page>
  );
}

function ServerImages({ filter, onShowAll }: { filter: string; onShowAll(): void }) {
  const client = useClient();
  const { catalog, problem, isAsking } = useCatalog();
  const downloads = useDownloads();
  const rows = useMemo(() => imageRows(catalog, downloads ?? []), [catalog, downloads]);
  const found = useMemo(() => filterImages(rows, filter), [rows, filter]);
  const [limit, setLimit] = useState({ filter, count: shownTogether });
  const count = limit.filter === filter ? limit.count : shownTogether;
  const shown = useMemo(() => found.slice(0, count), [found, count]);
  useSizes(useUnmeasured(shown));
  const refresh = () => loadCatalog(client, { refresh: true });

  if (problem && !catalog) {
    return (
      <Alert color="red">
        <ProblemView problem={problem} onRetry={refresh} />
      </Alert>
    );
  }
  if (!catalog || !downloads) {
    return (
      <Stack gap="xs" role="status" aria-label="Loading images">
        {[0, 1, 2].map((row) => (
          <Skeleton key={row} height={38} />
        ))}
      </Stack>
    );
  }
  return (
    <>
      <CatalogBar catalog={catalog} isAsking={isAsking} onRefresh={refresh} />
      <ServerProblems catalog={catalog} onRetry={refresh} />
      {rows.length === 0 ? (
        <NothingOffered catalog={catalog} />
      ) : shown.length === 0 ? (
        <EmptyState
          icon={<IconSearchOff size={40} stroke={1.2} />}
          title="Nothing matches"
          action={
            <Button variant="default" onClick={onShowAll}>
              Show all {rows.length}
            </Button>
          }
        >
          No image has “{filter}” in its name, release, architecture, variant, server or state.
        </EmptyState>
      ) : (
        <ImagesTable rows={shown} />
      )}
      {shown.length < found.length && (
        <Group justify="center" mt="sm">
          <Text size="sm" c="dimmed" role="status">
            {shown.length} of {found.length} images
          </Text>
          <Button variant="default" onClick={() => setLimit({ filter, count: count + shownTogether })}>
            Show more
          </Button>
        </Group>
      )}
    </>
  );
}

/** Ids of those whose size nobody has told yet; the same list as long as they are the same. */
function useUnmeasured(shown: readonly ImageRow[]): readonly string[] {
  const ids = shown.filter(({ image, download }) => image.bytes === undefined && download === undefined).map(({ image }) => image.id);
  const key = ids.join(" ");
  return useMemo(() => key.split(" ").filter(Boolean), [key]);
}

function CatalogBar({ catalog, isAsking, onRefresh }: { catalog: Catalog; isAsking: boolean; onRefresh(): void }) {
  const everyArchitecture = useCatalogStore((state) => state.everyArchitecture);
  return (
    <Group justify="space-between" mb="sm" gap="sm">
      <Text size="sm" maw={720}>
        Images come ready made from <ServerNames catalog={catalog} />. What is downloaded stays on this computer, and is used without a
        network.
      </Text>
      <Group gap="md">
        <Switch
          size="sm"
          label="Every architecture"
          checked={everyArchitecture}
          onChange={(event) => useCatalogStore.setState({ everyArchitecture: event.currentTarget.checked })}
        />
        <Text size="sm" c="dimmed" role="status">
          {isAsking ? "Reading the lists…" : <Age catalog={catalog} />}
        </Text>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconRefresh size={14} aria-hidden />}
          onClick={onRefresh}
          disabled={isAsking || catalog.servers.length === 0}
        >
          Refresh
        </Button>
      </Group>
    </Group>
  );
}

function ServerNames({ catalog: { servers } }: { catalog: Catalog }) {
  const [only] = servers;
  return (
    <Anchor component={Link} href="/settings" size="sm" inherit underline="always">
      {servers.length === 1 && only ? serverName(only.url) : `${servers.length} servers`}
    </Anchor>
  );
}

/** How old the oldest list is. */
function Age({ catalog: { servers } }: { catalog: Catalog }) {
  const now = useNow(minute / 2);
  const times = servers.flatMap(({ fetchedAt }) => fetchedAt ?? []);
  if (times.length === 0) return null;
  const age = now - Math.min(...times);
  return <>{age < minute ? "Just read" : `Read ${formatDuration(age - (age % minute))} ago`}</>;
}

/** What a server could not tell, beside what the others did. */
function ServerProblems({ catalog: { servers }, onRetry }: { catalog: Catalog; onRetry(): void }) {
  return (
    <Stack gap="xs" mb={servers.some(({ problem, skippedLines }) => problem || skippedLines > 0) ? "sm" : 0}>
      {servers.map(({ url, fetchedAt, problem, skippedLines }) => {
        if (problem) {
          const { title } = explainProblem(problem);
          return (
            <Alert key={url} color="yellow" icon={<IconAlertTriangle aria-hidden />} title={`${serverName(url)}: ${title}`}>
              <ProblemView problem={problem} withTitle={false} onRetry={onRetry} />
              {fetchedAt !== undefined && <Text size="sm">What is shown of it is what it offered before.</Text>}
            </Alert>
          );
        }
        if (skippedLines === 0) return null;
        return (
          <Text key={url} size="sm" className="warning">
            {serverName(url)}: {skippedLines === 1 ? "one line of its list was" : `${skippedLines} lines of its list were`} not understood
            and left out.
          </Text>
        );
      })}
    </Stack>
  );
}

function NothingOffered({ catalog: { servers, architecture } }: { catalog: Catalog }) {
  const openSettings = (
    <Button component={Link} href="/settings" variant="default">
      Open Settings
    </Button>
  );
  if (servers.length === 0) {
    return (
      <EmptyState icon={<IconPhotoOff size={40} stroke={1.2} />} title="No image servers" action={openSettings}>
        Add the address of a server in Settings, and what it offers shows up here.
      </EmptyState>
    );
  }
  if (servers.every(({ problem }) => problem)) return null;
  return (
    <EmptyState icon={<IconPhotoOff size={40} stroke={1.2} />} title="Nothing offered" action={openSettings}>
      No server has an image for this computer's architecture, {architecture}.
    </EmptyState>
  );
}
