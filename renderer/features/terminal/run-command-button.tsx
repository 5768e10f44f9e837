import { Button } from "@mantine/core";
import { IconTerminal } from "@tabler/icons-react";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";

/** Runs one command in a container, in a terminal. */
export function RunCommandButton({ container: { name, state, manageable } }: { container: Container }) {
  const isLive = useIsLive();
  if (!manageable) return null;
  const reason = !isLive ? "There is no connection to the helper." : state === "running" ? undefined : `${name} does not run.`;
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconTerminal size={16} aria-hidden />}
      aria-label={`Run a command in ${name}`}
      title={reason}
      aria-disabled={reason !== undefined || undefined}
      aria-description={reason}
      data-disabled={reason !== undefined || undefined}
      onClick={reason === undefined ? () => openDialog({ type: "new-terminal", name, kind: "command" }) : undefined}
    >
      Run…
    </Button>
  );
}
