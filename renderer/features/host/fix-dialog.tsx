import { Button, Code, Group, Modal, Stack, Text } from "@mantine/core";
import type { HostCheck } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { useSession } from "../../state/session.ts";
import { formatCommand } from "../../ui/format.ts";
import { CopyTextButton } from "../../ui/problem-view.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** What a fix does, before it is done: in words, and as the commands. */
export function FixDialog({ check }: { check: HostCheck }) {
  const client = useClient();
  const isRoot = useSession(({ session }) => session.state === "ready" && session.mode === "root");
  const { title, fix } = check;
  const commands = fix?.commands.map(formatCommand).join("\n") ?? "";
  return (
    <Modal opened onClose={closeDialog} title={`Fix ${title}`} size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">{fix?.summary}</Text>
        <div>
          <Group justify="space-between" mb={4}>
            <Text size="sm" fw={500}>
              {fix?.commands.length === 1 ? "This command runs as root" : "These commands run as root"}
            </Text>
            <CopyTextButton text={commands} label={fix?.commands.length === 1 ? "Copy command" : "Copy commands"} />
          </Group>
          <Code block className="details" tabIndex={0} role="group" aria-label={`Commands of Fix ${title}`}>
            {commands}
          </Code>
        </div>
        {!isRoot && (
          <Text size="sm" c="dimmed">
            You are asked for an administrator's password: this changes the computer itself.
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={closeDialog}>
            Cancel
          </Button>
          <Button
            data-autofocus
            onClick={() => {
              closeDialog();
              void runFix(client, check);
            }}
          >
            {fix?.commands.length === 1 ? "Run it" : "Run them"}
          </Button>
        </Group>
      </Stack>
    </Modal>
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
