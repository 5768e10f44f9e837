import { IconAlertTriangle, IconLoader2, IconPlayerPause, IconPlayerPlay, IconPlayerStop } from "@tabler/icons-react";
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
export function StateLabel({ container: { state, note } }: { container: Pick<Container, "state" | "note"> }) {
  return (
    <span className="state with-icon" data-state={state} data-hint={note}>
      <StateIcon state={state} />
      <span>{labels[state]}</span>
    </span>
  );
}

function StateIcon({ state }: { state: ContainerState }) {
  if (state === "running") return <IconPlayerPlay size={14} aria-hidden />;
  if (state === "frozen") return <IconPlayerPause size={14} aria-hidden />;
  if (state === "error") return <IconAlertTriangle size={14} aria-hidden />;
  if (state === "starting" || state === "stopping") return <IconLoader2 size={14} aria-hidden className="turning" />;
  return <IconPlayerStop size={14} aria-hidden />;
}
