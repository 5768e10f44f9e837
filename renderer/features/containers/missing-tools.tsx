import { Alert, Button, Stack } from "@mantine/core";
import { IconAlertTriangle, IconTool } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import type { Template } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog, openDialog } from "../../state/dialogs.ts";
import { formatList } from "../../ui/format.ts";
import { showProblem } from "../../ui/toasts.tsx";

/** What keeps a template from being used, and the way to the fix of it where there is one. */
export function MissingTools({ template: { title, missingTools, canInstallTools } }: { template: Template }) {
  const client = useClient();
  const [, go] = useLocation();
  const [isAsking, setIsAsking] = useState(false);
  const them = missingTools.length === 1 ? "it" : "them";
  const showFix = async () => {
    setIsAsking(true);
    const check = await findFix(client).catch(showProblem);
    setIsAsking(false);
    closeDialog();
    go("/host");
    if (check?.fix) openDialog({ type: "fix-host", check });
  };
  return (
    <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} title={`${title} needs ${formatList(missingTools)}`}>
      {canInstallTools ? (
        <Stack gap="xs" align="flex-start">
          The Host page can install {them}. It needs an administrator's password.
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconTool size={14} aria-hidden />}
            loading={isAsking}
            onClick={() => void showFix()}
          >
            Fix on the Host page
          </Button>
        </Stack>
      ) : (
        `Install ${them} with your distribution's package manager, where it has ${them}, then open this dialog again.`
      )}
    </Alert>
  );
}

async function findFix(client: Client) {
  return (await client.call("host.checks", {})).find(({ name }) => name === "templates");
}
