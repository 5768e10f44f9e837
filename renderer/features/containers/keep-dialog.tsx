import { Text } from "@mantine/core";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { KeepForm } from "../../ui/keep-form.tsx";
import { showDone } from "../../ui/toasts.tsx";

/** For a throw-away container whose own dialog is not there. */
export function KeepDialog({ name }: { name: string }) {
  const onEnded = (as: string | undefined) => {
    closeDialog();
    if (as !== undefined) showDone(`${as} is there to stay.`);
  };
  return (
    <Dialog title={`Keep ${name}`} needs="create">
      <Text size="sm">{name} is a throw-away container: it is removed when it stops.</Text>
      <KeepForm name={name} onEnded={onEnded} onCancelled={closeDialog} />
    </Dialog>
  );
}
