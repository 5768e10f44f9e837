import { Button, Text } from "@mantine/core";
import type { ReadyImage } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { useContainersOfImage } from "../../state/ready-images.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { formatBytes, formatList } from "../../ui/format.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** Asks first; or says who needs it, as long as somebody does. */
export function DeleteReadyImageDialog({ image, name }: { image: ReadyImage; name: string }) {
  const client = useClient();
  const containers = useContainersOfImage(image.id);
  if (containers.length > 0) {
    return (
      <Dialog title={`${name} is still needed`} buttons={<DialogButtons cancel="Close" focusCancel />}>
        <Text size="sm">
          {formatList([...containers])} {containers.length === 1 ? "has its" : "have their"} files in it. Destroy{" "}
          {containers.length === 1 ? "it" : "them"} first.
        </Text>
      </Dialog>
    );
  }
  const remove = async () => {
    closeDialog();
    try {
      await client.call("images.delete", { image: image.id });
      showDone(`The image ${name} was deleted.`);
    } catch (error) {
      showProblem(error);
    }
  };
  return (
    <Dialog
      title={`Delete the image ${name}?`}
      needs="create"
      buttons={
        <DialogButtons focusCancel>
          <Button color="red" onClick={() => void remove()}>
            Delete
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">
        Its files, {formatBytes(image.bytes)}, are removed from this computer.{" "}
        {image.origin === "server"
          ? "It can be made again from its server's image."
          : image.origin === "oci"
            ? "It can be made again from where it came from."
            : "This cannot be undone: no container has them, and they are nowhere else in LXC Desktop."}
      </Text>
    </Dialog>
  );
}
