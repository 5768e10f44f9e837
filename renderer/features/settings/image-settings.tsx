import { ActionIcon, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { explainImageServer, normaliseImageServer } from "../../../privileged-helper/contract/image-servers.ts";
import { useClient } from "../../state/connection.ts";
import { changeSettings, useSettings } from "../../state/settings.ts";
import { showProblem } from "../../ui/toasts.tsx";

const maxServers = 20;

/** Where images come from, and which keys vouch for them. */
export function ImageSettings() {
  return (
    <>
      <ImageServers />
      <Keyring />
    </>
  );
}

function ImageServers() {
  const client = useClient();
  const { imageServers } = useSettings();
  const [draft, setDraft] = useState("");
  const [reason, setReason] = useState<string>();
  const change = (servers: string[]) => changeSettings(client, { imageServers: servers }).catch(showProblem);
  const add = (event: FormEvent) => {
    event.preventDefault();
    const server = normaliseImageServer(draft);
    const wrong = explainImageServer(server) ?? explainList(imageServers, server);
    setReason(wrong);
    if (wrong !== undefined) return;
    setDraft("");
    void change([...imageServers, server]);
  };
  return (
    <section aria-labelledby="servers-label">
      <Text size="sm" fw={500} id="servers-label">
        Image servers
      </Text>
      <Text size="xs" c="dimmed" mb={6}>
        Images are downloaded from these, by https; from this computer also by plain http.
      </Text>
      <Stack gap={4} component="ul" className="plain-list" aria-labelledby="servers-label">
        {imageServers.map((server) => (
          <Group key={server} component="li" gap="xs" wrap="nowrap" justify="space-between" className="server-item">
            <Text size="sm" className="server-address">
              {server}
            </Text>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${server}`}
              onClick={() => void change(imageServers.filter((other) => other !== server))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        {imageServers.length === 0 && (
          <Text component="li" size="sm">
            None: there is nothing to download.
          </Text>
        )}
      </Stack>
      <form onSubmit={add} noValidate>
        <Group gap="xs" align="flex-start" wrap="nowrap" mt="xs">
          <TextInput
            flex={1}
            aria-label="Address of an image server"
            placeholder="https://"
            autoComplete="off"
            spellCheck={false}
            value={draft}
            error={reason}
            onChange={(event) => {
              setDraft(event.currentTarget.value);
              setReason(undefined);
            }}
          />
          <Button type="submit" variant="default" leftSection={<IconPlus size={16} aria-hidden />}>
            Add server
          </Button>
        </Group>
      </form>
    </section>
  );
}

function explainList(servers: readonly string[], server: string): string | undefined {
  if (servers.includes(server)) return "This server is in the list already.";
  return servers.length >= maxServers ? `There can be at most ${maxServers} servers.` : undefined;
}

/** Kept when the person leaves the field or presses Enter; whether there is such a file, the host knows. */
function Keyring() {
  const client = useClient();
  const { imageKeyring } = useSettings();
  const [draft, setDraft] = useState<string>();
  const [reason, setReason] = useState<string>();
  const commit = () => {
    const path = draft?.trim();
    if (path === undefined || path === imageKeyring) return setDraft(undefined);
    if (path !== "" && !path.startsWith("/")) return setReason("Type the whole path of the file, from / on.");
    changeSettings(client, { imageKeyring: path }).then(
      () => setDraft(undefined),
      () => setReason("There is no such file."),
    );
  };
  return (
    <TextInput
      label="Keyring for images"
      description="A file of OpenPGP keys. What one of them has signed is used only if the signature is right. Checksums are compared in any case."
      placeholder="/usr/share/keyrings/images.gpg"
      autoComplete="off"
      spellCheck={false}
      value={draft ?? imageKeyring}
      error={reason}
      onChange={(event) => {
        setDraft(event.currentTarget.value);
        setReason(undefined);
      }}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
    />
  );
}
