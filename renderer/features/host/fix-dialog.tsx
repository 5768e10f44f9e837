import { Button, Text } from "@mantine/core";
import type { HostCheck } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { useSession } from "../../state/session.ts";
import { CommandBlock } from "../../ui/code-block.tsx";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** What a fix does, before it is done: in words, and as the commands. */
export function FixDialog({ check }: { check: HostCheck }) {
  const client = useClient();
  const isRoot = useSession(({ session }) => session.state === "ready" && session.mode === "root");
  const { title, fix } = check;
  const commands = fix?.commands ?? [];
  const isOne = commands.length === 1;
  return (
    <Dialog
      title={`Fix ${title}`}
      needs="host"
      size="lg"
      buttons={
        <DialogButtons>
          <Button
            data-autofocus
            onClick={() => {
              closeDialog();
              void runFix(client, check);
            }}
          >
            {isOne ? "Run it" : "Run them"}
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">{fix?.summary}</Text>
      <CommandBlock
        title={isOne ? "This command runs as root" : "These commands run as root"}
        label={`Commands of Fix ${title}`}
        commands={commands}
      />
      {!isRoot && (
        <Text size="sm" c="dimmed">
          You are asked for an administrator's password: this changes the computer itself.
        </Text>
      )}
    </Dialog>
  );
}

async function runFix(client: Client, check: HostCheck): Promise<void> {
  try {
    await client.call("host.fix", { check: check.name });
    showDone(`${check.title}: mended.`);
  } catch (error) {
    showProblem(error, () => runFix(client, check));
  }
}
