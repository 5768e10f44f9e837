import { Button, Text } from "@mantine/core";
import { fixableChecks, isFixedAtOnce, type SecurityFinding } from "../../../privileged-helper/contract/security.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { useContainer } from "../../state/containers.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** Asks before a fix is taken back. */
export function SoftenDialog({ name, finding }: { name: string; finding: SecurityFinding }) {
  const client = useClient();
  const check = fixableChecks.find((one) => one === finding.check);
  const isRunning = useContainer(name)?.state === "running" && check !== undefined && !isFixedAtOnce(check);
  return (
    <Dialog
      title={`Undo the fix of ${finding.title}?`}
      needs="configure-raw"
      buttons={
        <DialogButtons focusCancel>
          <Button
            onClick={() => {
              closeDialog();
              void soften(client, name, finding);
            }}
          >
            {isRunning ? "Undo and restart" : "Undo"}
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">
        {textOf(name, finding)}
        {isRunning && ` ${name} is shut down and started again for that.`}
      </Text>
    </Dialog>
  );
}

async function soften(client: Client, name: string, finding: SecurityFinding): Promise<void> {
  const check = fixableChecks.find((one) => one === finding.check);
  if (check === undefined) return;
  try {
    await client.call("security.undo", { name, check });
    showDone(`${finding.title}: ${name} is as it was before.`);
  } catch (error) {
    showProblem(error, () => soften(client, name, finding));
  }
}

function textOf(name: string, { check }: SecurityFinding): string {
  if (check === "user-namespace") return `The configuration of ${name} and the owners of its files become what they were before.`;
  if (check === "suid-files")
    return `Files of ${name} that nobody has changed since get their marks back, and whoever runs them more rights.`;
  if (check === "disk") return `${name} can store as much again as before the fix.`;
  return `The configuration of ${name} becomes what it was before the fix, which leaves it less isolated.`;
}
