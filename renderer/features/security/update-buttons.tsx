import { Button } from "@mantine/core";
import type { SecurityFinding } from "../../../privileged-helper/contract/security.ts";
import { useClient } from "../../state/connection.ts";
import { useContainer } from "../../state/containers.ts";
import { useIsLive } from "../../state/live.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** Looks for updates of a container that runs, and installs them; both are tasks, and go on while one is elsewhere. */
export function UpdateButtons({ name, finding: { state, title } }: { name: string; finding: SecurityFinding }) {
  const client = useClient();
  const isLive = useIsLive();
  const container = useContainer(name);
  if (container?.state !== "running" || state === "not-applicable") return undefined;
  const isBusy = container.operation?.kind === "update" || container.operation?.kind === "look-for-updates";
  const call = async (method: "security.lookForUpdates" | "security.installUpdates", done: string) => {
    try {
      await client.call(method, { name });
      showDone(done);
    } catch (error) {
      showProblem(error, () => call(method, done));
    }
  };
  const hasPending = state === "problem" || state === "warning";
  return (
    <>
      {hasPending && (
        <Button
          size="compact-sm"
          variant={state === "problem" ? "filled" : "default"}
          disabled={!isLive || isBusy}
          aria-label={`Update ${name} now`}
          onClick={() => void call("security.installUpdates", `${name} was updated.`)}
        >
          Update now
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        disabled={!isLive}
        loading={isBusy}
        aria-label={`${title}: look now`}
        onClick={() => void call("security.lookForUpdates", `${name}: its package manager was asked for updates.`)}
      >
        Look now
      </Button>
    </>
  );
}
