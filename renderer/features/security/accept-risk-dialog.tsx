import { Button, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { riskNote, type SecurityFinding } from "../../../privileged-helper/contract/security.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { useSecurityChanges } from "../../state/security.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** Why something stays as it is, in a person's own words. */
export function AcceptRiskDialog({ name, finding }: { name: string; finding: SecurityFinding }) {
  const client = useClient();
  const { check, title, summary, accepted } = finding;
  const [note, setNote] = useState(accepted?.note ?? "");
  const oneLine = note.replace(/\s+/g, " ").trim();
  const isValid = riskNote.safeParse(oneLine).success;
  const send = async (sent: string | undefined) => {
    closeDialog();
    try {
      await client.call("security.accept", { name, check, ...(sent !== undefined && { note: sent }) });
      useSecurityChanges.setState(({ accepted: count }) => ({ accepted: count + 1 }));
      showDone(sent === undefined ? `${title}: no longer accepted.` : `${title}: accepted for ${name}.`);
    } catch (error) {
      showProblem(error);
    }
  };
  return (
    <Dialog
      title={`Accept the risk of ${title}`}
      needs="configure"
      onSubmit={(event) => {
        event.preventDefault();
        if (isValid) void send(oneLine);
      }}
      buttons={
        <DialogButtons>
          {accepted && (
            <Button variant="default" onClick={() => void send(undefined)}>
              No longer accept
            </Button>
          )}
          <Button type="submit" disabled={!isValid}>
            Accept
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">
        {summary} Accepting changes nothing about that, nor the grade of {name}: it only says that somebody knows, and why.
      </Text>
      <Textarea
        label="Why it stays as it is"
        value={note}
        onChange={({ currentTarget }) => setNote(currentTarget.value)}
        maxLength={500}
        autosize
        minRows={2}
        data-autofocus
        required
      />
    </Dialog>
  );
}
