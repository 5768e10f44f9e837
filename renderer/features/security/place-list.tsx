import { ActionIcon, Button, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { type SecurityFix, securityFix, type WritablePlace, type WrittenPlaces } from "../../../privileged-helper/contract/security.ts";
import { useClient } from "../../state/connection.ts";
import { formatMoment } from "../../ui/format.ts";
import { showProblem } from "../../ui/toasts.tsx";

type Props = { name: string; isRunning: boolean; places: readonly WritablePlace[]; onChanged(places: WritablePlace[]): void };

/** The folders of a read-only system that stay writable; those that are needed can be found by what it has written. */
export function PlaceList({ name, isRunning, places, onChanged }: Props) {
  const [typed, setTyped] = useState("");
  const error = typed === "" ? undefined : explainPlace(places, typed);
  const add = () => {
    onChanged([...places, { path: typed, kept: "disk" }]);
    setTyped("");
  };
  return (
    <fieldset className="marked-files">
      <Text component="legend" size="sm" fw={600}>
        What stays writable
      </Text>
      {places.length === 0 && <Text size="sm">Nothing. Few systems start without a place to write.</Text>}
      <Stack gap={6} component="ul" className="plain-list" aria-label="Writable places">
        {places.map((place) => (
          <li key={place.path} className="writable-place">
            <code className="any-path writable-path">{place.path}</code>
            <SegmentedControl
              size="xs"
              aria-label={`Where ${place.path} is kept`}
              data={[
                { value: "memory", label: "In memory" },
                { value: "disk", label: "On disk" },
              ]}
              value={place.kept}
              onChange={(kept) => onChanged(places.map((one) => (one === place ? { ...one, kept: kept as WritablePlace["kept"] } : one)))}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${place.path}`}
              onClick={() => onChanged(places.filter((one) => one !== place))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </li>
        ))}
      </Stack>
      <Group gap="xs" align="flex-start" mt="xs" wrap="nowrap">
        <TextInput
          aria-label="Another folder"
          placeholder="/var/lib/app"
          size="sm"
          value={typed}
          error={error}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            if (typed !== "" && error === undefined) add();
          }}
        />
        <Button size="sm" variant="default" disabled={typed === "" || error !== undefined} onClick={add}>
          Add
        </Button>
      </Group>
      <Written name={name} isRunning={isRunning} places={places} onChanged={onChanged} />
    </fieldset>
  );
}

function Written({ name, isRunning, places, onChanged }: Props) {
  const client = useClient();
  const [written, setWritten] = useState<WrittenPlaces>();
  const [isAsking, setIsAsking] = useState(false);
  const look = async () => {
    setIsAsking(true);
    try {
      setWritten(await client.call("security.written", { name }));
    } catch (problem) {
      showProblem(problem, look);
    } finally {
      setIsAsking(false);
    }
  };
  if (!isRunning) {
    return (
      <Text size="xs" c="dimmed" mt={6}>
        While {name} runs it can be seen here which folders it has written to.
      </Text>
    );
  }
  const others = written?.places.filter(({ path }) => explainPlace(places, path) === undefined) ?? [];
  return (
    <>
      <Button
        mt="xs"
        size="compact-sm"
        variant="default"
        loading={isAsking}
        leftSection={<IconSearch size={14} aria-hidden />}
        onClick={() => void look()}
      >
        Look what it has written
      </Button>
      {written && (
        <div role="status">
          <Text size="sm" mt={6}>
            {others.length > 0 ? "It has also written here" : "It has written nowhere else"} since its start{" "}
            {formatMoment(written.since, Date.now())}. Let it do its usual work first, then look again.
          </Text>
          <ul className="plain-list" aria-label="Where it has written">
            {others.map(({ path, kept, files, example }) => (
              <li key={path} className="writable-place">
                <span className="any-path writable-path">
                  <code>{path}</code>{" "}
                  <Text span size="xs" c="dimmed">
                    {files === 1 ? "one file" : `${files} files`}, such as {example}
                  </Text>
                </span>
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={`Add ${path}`}
                  onClick={() => onChanged([...places, { path, kept }])}
                >
                  Add
                </Button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

/** Why a folder cannot be one more of these places; undefined where it can. */
export function explainPlace(places: readonly WritablePlace[], path: string): string | undefined {
  const is = (fix: SecurityFix) => securityFix.safeParse(fix).success;
  if (!is({ check: "read-only", places: [{ path, kept: "disk" }] })) return "Type a folder such as /var/lib/app.";
  if (!is({ check: "read-only", places: [...places, { path, kept: "disk" }] })) return "It is one of them already, in one, or holds one.";
  return undefined;
}
