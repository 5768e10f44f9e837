import { Alert, Button, Code, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";
import { useContainer } from "../../state/containers.ts";
import { closeDialog, openDialog } from "../../state/dialogs.ts";
import { useSettings } from "../../state/settings.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { formatList } from "../../ui/format.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";

/** Destroying cannot be undone, so the name has to be typed; what stands in the way is said before anything is typed. */
export function DestroyDialog({ name }: { name: string }) {
  const client = useClient();
  const container = useContainer(name);
  const [typed, setTyped] = useState("");
  const isBeingStopped = container?.operation?.kind === "stop" || container?.operation?.kind === "force-stop";
  const isRunning = container !== undefined && container.state !== "stopped" && container.state !== "error";
  const clones = container?.clones ?? [];

  const destroy = async () => {
    try {
      await client.call("containers.destroy", { name });
      showDone(`${name} was destroyed.`);
    } catch (error) {
      showProblem(error, destroy);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed !== name) return;
    closeDialog();
    void destroy();
  };

  if (isRunning && !isBeingStopped) {
    return (
      <Dialog
        title={`${name} is running`}
        buttons={
          <DialogButtons>
            <Button
              data-autofocus
              onClick={() => {
                closeDialog();
                void performAction(client, "stop", name);
              }}
            >
              Stop {name}
            </Button>
          </DialogButtons>
        }
      >
        <Text size="sm">{name} is running. A container can only be destroyed when it is stopped.</Text>
      </Dialog>
    );
  }
  if (clones.length > 0) {
    return (
      <Dialog title={`${name} is still needed`} buttons={<DialogButtons cancel="Close" focusCancel />}>
        <Text size="sm">
          {formatList(clones)} {clones.length === 1 ? "is" : "are"} cloned from {name} and{" "}
          {clones.length === 1 ? "keeps its" : "keep their"} files in it. Destroy {clones.length === 1 ? "it" : "them"} first.
        </Text>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`Destroy ${name}?`}
      needs="create"
      onSubmit={submit}
      buttons={
        <DialogButtons>
          <Button type="submit" color="red" disabled={typed !== name}>
            Destroy
          </Button>
        </DialogButtons>
      }
    >
      <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
        {isRunning && `${name} is being stopped, and is destroyed after that. `}
        All files of {name} are removed. This cannot be undone.
      </Alert>
      <TextInput
        data-autofocus
        label={
          <>
            Type <Code>{name}</Code> to confirm
          </>
        }
        aria-label={`Type ${name} to confirm`}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </Dialog>
  );
}

/** Ending without asking the container loses what it has not written. */
export function ForceStopDialog({ name }: { name: string }) {
  return (
    <Dialog title={`Stop ${name} by force?`} needs="manage" buttons={<ForceStopButtons name={name} cancel="Cancel" />}>
      <Text size="sm">
        Every process in {name} is killed at once, as if its plug were pulled. What they have not written to disk is lost.
      </Text>
    </Dialog>
  );
}

/** A graceful stop took longer than it may: the person decides. */
export function StillRunningDialog({ name, seconds }: { name: string; seconds: number }) {
  const client = useClient();
  const state = useContainer(name)?.state;
  // It has shut down after all: there is nothing left to decide.
  useEffect(() => {
    if (state === undefined || state === "stopped") closeDialog();
  }, [state]);
  const keepWaiting = async () => {
    closeDialog();
    const { stopTimeoutSeconds: timeoutSeconds } = useSettings.getState();
    try {
      await client.call("containers.stop", { name, timeoutSeconds });
    } catch (error) {
      const problem = toProblem(error);
      if (problem.code === "timed-out") openDialog({ type: "still-running", name, seconds: problem.seconds });
      else if (problem.code !== "wrong-state") showProblem(error);
    }
  };
  return (
    <Dialog
      title={`${name} is still running`}
      size={520}
      buttons={
        <ForceStopButtons
          name={name}
          cancel="Leave it running"
          more={
            <Button variant="default" onClick={() => void keepWaiting()}>
              Keep waiting
            </Button>
          }
        />
      }
    >
      <Text size="sm">
        {name} did not stop within {seconds} seconds. It may still be shutting down. Stopping it by force kills its processes at once; what
        they have not written is lost.
      </Text>
    </Dialog>
  );
}

function ForceStopButtons({ name, cancel, more }: { name: string; cancel: string; more?: React.ReactNode }) {
  const client = useClient();
  const forceStop = async () => {
    closeDialog();
    try {
      await client.call("containers.forceStop", { name });
    } catch (error) {
      showProblem(error, forceStop);
    }
  };
  return (
    <DialogButtons cancel={cancel} focusCancel>
      {more}
      <Button color="red" onClick={() => void forceStop()}>
        Force stop
      </Button>
    </DialogButtons>
  );
}
