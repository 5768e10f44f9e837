import { Button, Text } from "@mantine/core";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { formatBytes } from "../../ui/format.ts";
import { showProblem } from "../../ui/toasts.tsx";

/** What was downloaded may take long to download again, or may not be offered any more: that is asked first. */
export function DeleteImageDialog({ image, name, bytes }: { image: string; name: string; bytes: number }) {
  const client = useClient();
  const remove = () => {
    closeDialog();
    client.call("downloads.delete", { image }).catch(showProblem);
  };
  return (
    <Dialog
      title={`Delete ${name}?`}
      buttons={
        <DialogButtons focusCancel>
          <Button color="red" onClick={remove}>
            Delete
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">
        What was downloaded of {name}
        {bytes > 0 ? `, ${formatBytes(bytes)},` : ""} is removed from this computer. Containers that were made of it stay. It can be
        downloaded again as long as a server offers it.
      </Text>
    </Dialog>
  );
}
