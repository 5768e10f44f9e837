import { Alert, Button, Radio, Select, Stack } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useCallback } from "react";
import type { Container, Snapshot } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { useClient } from "../../state/connection.ts";
import { formatDate } from "../../ui/format.ts";
import { listInside } from "../../ui/list-inside.ts";
import { performAction } from "./actions.ts";
import { type CloneValues, copyOf, reasonAgainstInstant } from "./clone-values.ts";
import { cloneChoices } from "./create-form.ts";

type Props = {
  containers: ReadonlyMap<string, Container>;
  from: string;
  values: CloneValues;
  onFromChanged(from: string): void;
  onChanged(values: CloneValues): void;
  error?: string;
};

/** Of which container, as it is now or was, and what the copy costs. */
export function CloneFields({ containers, from, values, onFromChanged, onChanged, error }: Props) {
  const base = containers.get(from);
  return (
    <>
      <Select
        label="Clone from"
        placeholder="Choose a container"
        data={cloneChoices(containers)}
        searchable
        allowDeselect={false}
        nothingFoundMessage="There is no container to clone yet."
        {...listInside}
        value={from === "" ? null : from}
        onChange={(chosen) => onFromChanged(chosen ?? "")}
        error={from === "" ? undefined : error}
      />
      {base && (
        <>
          <SnapshotField
            key={`${from} snapshots`}
            name={from}
            value={values.snapshot}
            onChange={(snapshot) => onChanged({ ...values, snapshot })}
          />
          <CopyField base={base} values={values} onChanged={onChanged} />
        </>
      )}
    </>
  );
}

/** Nothing where there is no snapshot to choose. */
function SnapshotField({ name, value, onChange }: { name: string; value: string; onChange(snapshot: string): void }) {
  const { answer: snapshots = [] } = useAnswer(useCallback((client: Client) => client.call("containers.snapshots", { name }), [name]));
  if (snapshots.length === 0) return null;
  return (
    <Select
      label="State"
      data={[
        { value: "", label: "As it is now" },
        ...snapshots.map((snapshot) => ({ value: snapshot.name, label: snapshotLabel(snapshot) })),
      ]}
      allowDeselect={false}
      {...listInside}
      value={value}
      onChange={(chosen) => onChange(chosen ?? "")}
    />
  );
}

function snapshotLabel({ name, createdAt, comment }: Snapshot): string {
  const when = createdAt === undefined ? `As in ${name}` : `As it was on ${formatDate(createdAt)} (${name})`;
  return comment === undefined ? when : `${when}: ${comment}`;
}

function CopyField({ base, values, onChanged }: { base: Container; values: CloneValues; onChanged(values: CloneValues): void }) {
  const client = useClient();
  const { name, state, storage } = base;
  const reason = reasonAgainstInstant(base, values.snapshot);
  const isStopping = base.operation !== undefined;
  const isFrozenMeanwhile = state === "running" && values.snapshot === "";
  if (storage === "btrfs") {
    return (
      <Alert color="gray" icon={<IconInfoCircle aria-hidden />}>
        The storage of {name} makes copies at once: the clone shares what is the same, and needs nothing of {name}.
      </Alert>
    );
  }
  return (
    <>
      <Radio.Group
        label="Copy"
        value={copyOf(values, base)}
        onChange={(copy) => onChanged({ ...values, copy: copy as CloneValues["copy"] })}
      >
        <Stack gap={6} mt={6}>
          <Radio
            value="instant"
            label="Instant"
            description={`There at once: it shares the files of ${name}, which has to stay, and stores only what changes.`}
            disabled={reason !== undefined}
          />
          <Radio
            value="full"
            label="Full copy"
            description={`Has files of its own: it takes time and as much of the disk as ${name}, and needs nothing of it afterwards.${
              isFrozenMeanwhile ? ` ${name} is frozen meanwhile, and then goes on.` : ""
            }`}
          />
        </Stack>
      </Radio.Group>
      {reason !== undefined && (
        <Alert color="gray" icon={<IconInfoCircle aria-hidden />}>
          <Stack gap="xs" align="flex-start">
            {reason}
            <Button size="compact-sm" variant="default" disabled={isStopping} onClick={() => void performAction(client, "stop", name)}>
              Stop {name}
            </Button>
          </Stack>
        </Alert>
      )}
    </>
  );
}
