import { Button, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";

const maxTitle = 200;

/** A container as it is now, for others to begin with. */
export function SaveImageDialog({ name }: { name: string }) {
  const client = useClient();
  const [, go] = useLocation();
  const [title, setTitle] = useState(name);
  const wanted = title.trim();
  const save = async () => {
    try {
      await client.call("images.save", { name, title: wanted });
      showDone(`${wanted} is ready for new containers.`, { label: "Open images", run: () => go("/images") });
    } catch (error) {
      showProblem(error, save);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wanted === "") return;
    closeDialog();
    void save();
  };
  return (
    <Dialog
      title={`Save ${name} as image`}
      needs="create"
      onSubmit={submit}
      buttons={
        <DialogButtons>
          <Button type="submit" disabled={wanted === ""}>
            Save
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">
        The files of {name} are copied as they are now, its keys and passwords among them. New containers begin with them, are there at
        once, and store only what they change. {name} stays as it is.
      </Text>
      <TextInput
        data-autofocus
        label="Title"
        autoComplete="off"
        maxLength={maxTitle}
        value={title}
        onChange={(event) => setTitle(event.currentTarget.value)}
        error={wanted === "" ? "Type a title." : undefined}
      />
    </Dialog>
  );
}
