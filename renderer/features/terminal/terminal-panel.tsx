import { Alert, Button, Group, Text } from "@mantine/core";
import { IconPlayerPlay, IconTerminal2 } from "@tabler/icons-react";
import { useCallback, useState } from "react";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import type { Problem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";
import { useSession } from "../../state/session.ts";
import { EmptyState } from "../../ui/page.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { TerminalView } from "./terminal-view.tsx";

type Ended = { problem: Problem } | { sentence: string };

/** A root shell inside. It opens with the tab, and its text stays when it has ended. */
export function TerminalPanel({ container }: { container: Container }) {
  const client = useClient();
  const { session } = useSession();
  const { name, state, manageable } = container;
  // Each opening is a new view; the one before goes with its text.
  const [opening, setOpening] = useState(1);
  const [ended, setEnded] = useState<Ended>();
  const [hasOpened, setHasOpened] = useState(state === "running");
  const onEnded = useCallback((why: Ended) => setEnded(why), []);
  const openAgain = () => {
    setEnded(undefined);
    setHasOpened(true);
    setOpening((count) => count + 1);
  };

  if (!manageable) {
    return (
      <EmptyState icon={<IconTerminal2 size={48} stroke={1.2} />} title="No terminal for this container">
        {container.note}
      </EmptyState>
    );
  }
  if (!hasOpened) {
    if (state === "running") {
      setHasOpened(true);
      return null;
    }
    return (
      <EmptyState
        icon={<IconTerminal2 size={48} stroke={1.2} />}
        title={state === "frozen" ? `${name} is frozen` : `${name} does not run`}
        action={
          state === "stopped" ? (
            <Button
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
              onClick={() => void client.call("containers.start", { name }).catch(showProblem)}
            >
              Start
            </Button>
          ) : undefined
        }
      >
        {state === "frozen"
          ? "Its processes are paused, and so would be a shell. Unfreeze it first."
          : "A shell needs a running container."}
      </EmptyState>
    );
  }
  return (
    <section aria-label={`Terminal ${name}`} className="terminal-frame">
      {ended && (
        <Alert color={"problem" in ended ? "red" : "gray"} mb="xs" role="status">
          <Group justify="space-between" wrap="wrap">
            {"problem" in ended ? <ProblemView problem={ended.problem} /> : <Text size="sm">{ended.sentence}</Text>}
            <Button size="compact-sm" onClick={openAgain} disabled={state !== "running" || session.state !== "ready"}>
              Open again
            </Button>
          </Group>
        </Alert>
      )}
      <TerminalView key={opening} name={name} onEnded={onEnded} />
    </section>
  );
}
