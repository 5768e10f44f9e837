import { ActionIcon, Group, Select } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useEffect } from "react";
import type { Profile } from "../../../privileged-helper/contract/methods.ts";
import { useClient } from "../../state/connection.ts";
import { deleteProfile, loadProfiles, saveProfile, useProfiles } from "../../state/profiles.ts";
import { listInside } from "../../ui/list-inside.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";

type Props = {
  /** The name of the one that was chosen last. */
  value: string;
  onChosen(profile: Profile | undefined): void;
};

/** Choices that were saved before. It is not there while there are none. */
export function ProfileField({ value, onChosen }: Props) {
  const client = useClient();
  const { profiles } = useProfiles();
  useEffect(() => {
    // Without an answer the connection is gone, which is shown elsewhere.
    loadProfiles(client).catch(() => {});
  }, [client]);
  const chosen = profiles.find(({ name }) => name === value);
  const remove = async (profile: Profile) => {
    try {
      await deleteProfile(client, profile.name);
      onChosen(undefined);
      const undo = () => void saveProfile(client, profile).catch(showProblem);
      showDone(`The profile ${profile.name} is deleted.`, { label: "Undo", run: undo });
    } catch (error) {
      showProblem(error);
    }
  };
  if (profiles.length === 0) return null;
  return (
    <Group align="flex-end" gap="xs" wrap="nowrap">
      <Select
        flex={1}
        label="Profile"
        placeholder="Begin with what you saved before"
        data={profiles.map(({ name }) => name)}
        searchable
        clearable
        clearButtonProps={{ "aria-label": "Choose no profile" }}
        nothingFoundMessage="There is no such profile."
        {...listInside}
        value={chosen ? value : null}
        onChange={(name) => onChosen(profiles.find((profile) => profile.name === name))}
      />
      {chosen && (
        <ActionIcon
          variant="default"
          size="input-sm"
          aria-label={`Delete profile ${chosen.name}`}
          title={`Delete profile ${chosen.name}`}
          onClick={() => void remove(chosen)}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      )}
    </Group>
  );
}
