import { Button, Group, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { explainNewName } from "../../privileged-helper/contract/names.ts";
import { useClient } from "../state/connection.ts";
import { useContainers } from "../state/containers.ts";
import { showProblem } from "./toasts.tsx";

type Props = {
  /** Of the throw-away container. */
  name: string;
  onBegun?(as: string): void;
  /** @param as Its name from now on; undefined where it was not kept. */
  onEnded(as: string | undefined): void;
  onCancelled(): void;
};

/** Asks under which name a throw-away container is to stay, and has it kept. */
export function KeepForm({ name, onBegun, onEnded, onCancelled }: Props) {
  const client = useClient();
  const containers = useContainers();
  const [as, setAs] = useState(name);
  const [isKeeping, setIsKeeping] = useState(false);
  const runs = containers?.get(name)?.state === "running";
  const isTaken = as !== name && containers?.has(as) === true;
  const error = explainNewName(as) ?? (isTaken ? `There is a container ${as} already.` : undefined);
  const keep = async (event: FormEvent) => {
    event.preventDefault();
    // It may lie in another form.
    event.stopPropagation();
    if (error !== undefined || isKeeping) return;
    setIsKeeping(true);
    onBegun?.(as);
    try {
      await client.call("containers.keep", { name, as });
      onEnded(as);
    } catch (thrown) {
      showProblem(thrown);
      onEnded(undefined);
    }
    setIsKeeping(false);
  };
  return (
    <form onSubmit={(event) => void keep(event)} noValidate>
      <TextInput
        data-autofocus
        label="Keep as"
        description={
          as === name
            ? `From now on it is a container as any other.${runs ? " It goes on running." : ""}`
            : runs
              ? "To get this name it is shut down and started again: what runs in it ends, its files stay."
              : "It gets this name, and is a container as any other."
        }
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        value={as}
        disabled={isKeeping}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setAs(event.currentTarget.value)}
        error={error}
      />
      <Group justify="flex-end" mt="md">
        <Button variant="default" disabled={isKeeping} onClick={onCancelled}>
          Cancel
        </Button>
        <Button type="submit" loading={isKeeping} disabled={error !== undefined}>
          Keep
        </Button>
      </Group>
    </form>
  );
}
