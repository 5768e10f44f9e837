import { Group, Loader, Text } from "@mantine/core";
import { IconAlertTriangle, IconPlayerPause, IconPlayerPlay, IconPlayerStop } from "@tabler/icons-react";
import type { Container, ContainerState } from "../../privileged-helper/contract/model.ts";

const labels: Record<ContainerState, string> = {
  stopped: "Stopped",
  starting: "Starting",
  running: "Running",
  stopping: "Stopping",
  frozen: "Frozen",
  error: "Error",
};

/** The state as a word, a shape and a colour: never by colour alone. */
export function StateLabel({ container }: { container: Pick<Container, "state" | "note" | "operation"> }) {
  const { state, note } = container;
  return (
    <Group gap={6} wrap="nowrap" className="state" data-state={state} title={note}>
      <span className="state-icon" aria-hidden>
        <StateIcon state={state} />
      </span>
      <Text span size="sm">
        {labels[state]}
      </Text>
    </Group>
  );
}

function StateIcon({ state }: { state: ContainerState }) {
  if (state === "running") return <IconPlayerPlay size={14} />;
  if (state === "frozen") return <IconPlayerPause size={14} />;
  if (state === "error") return <IconAlertTriangle size={14} />;
  if (state === "starting" || state === "stopping") return <Loader size={12} color="currentColor" />;
  return <IconPlayerStop size={14} />;
}
