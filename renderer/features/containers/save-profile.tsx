import { Button, Group, Text, TextInput } from "@mantine/core";
import { IconBookmark } from "@tabler/icons-react";
import { type KeyboardEvent, useState } from "react";
import { explainProfileName, maxProfiles, type ProfileInput } from "../../../privileged-helper/contract/methods.ts";
import { useClient } from "../../state/connection.ts";
import { saveProfile, useProfiles } from "../../state/profiles.ts";
import { showProblem } from "../../ui/toasts.tsx";

type Props = {
  /** What is kept; absent while it cannot be. */
  choices?: ProfileInput["choices"];
  hasPassword: boolean;
  /** A name to begin with: of the profile that was chosen before. */
  name: string;
  onSaved(name: string): void;
};

/** The field takes the focus, and its buttons are below. */
const showAll = (fields: HTMLDivElement | null) => fields?.scrollIntoView({ block: "nearest" });

/** Keeps what is chosen under a name. */
export function SaveProfile({ choices, hasPassword, name, onSaved }: Props) {
  const client = useClient();
  const { profiles } = useProfiles();
  const [typed, setTyped] = useState<string>();
  const [done, setDone] = useState("");
  if (typed === undefined) {
    return (
      <Group gap="xs">
        <Button
          variant="default"
          size="compact-sm"
          leftSection={<IconBookmark size={14} aria-hidden />}
          disabled={!choices}
          onClick={() => setTyped(name)}
        >
          Save as profile
        </Button>
        <Text size="xs" c="dimmed" role="status">
          {done}
        </Text>
      </Group>
    );
  }
  const wanted = typed.trim();
  const isThere = profiles.some((profile) => profile.name === wanted);
  const error =
    !isThere && profiles.length >= maxProfiles ? `You have ${maxProfiles} profiles: delete one first.` : explainProfileName(wanted);
  const save = async () => {
    if (!choices || error !== undefined) return;
    try {
      await saveProfile(client, { name: wanted, choices });
      setTyped(undefined);
      onSaved(wanted);
      setDone(isThere ? `The profile ${wanted} is replaced.` : `The profile ${wanted} is saved.`);
    } catch (problem) {
      showProblem(problem);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    // Neither makes the container, nor closes the dialog.
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") void save();
    else setTyped(undefined);
  };
  return (
    <div ref={showAll}>
      <TextInput
        autoFocus
        label="Name of the profile"
        description="It keeps all that is chosen here but the container's name."
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        error={wanted === "" ? undefined : error}
      />
      <Group gap="xs" mt="xs">
        <Button size="compact-sm" variant="light" disabled={!choices || error !== undefined} onClick={() => void save()}>
          {isThere ? "Replace profile" : "Save profile"}
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => setTyped(undefined)}>
          Do not save
        </Button>
        <Text size="xs" c="dimmed" role="status">
          {isThere && `There is a profile ${wanted}: it is replaced. `}
          {hasPassword && "The password is not kept."}
        </Text>
      </Group>
    </div>
  );
}
