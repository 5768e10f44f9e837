import { SegmentedControl, Stack, Text, Title } from "@mantine/core";
import type { Settings } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { changeSettings, useSettings } from "../../state/settings.ts";
import { Page } from "../../ui/page.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { AlertSettings } from "./alert-settings.tsx";
import { ImageSettings } from "./image-settings.tsx";
import { NumberSetting } from "./number-setting.tsx";
import { TerminalSettings } from "./terminal-settings.tsx";

/** What a person chose for themselves; kept at once, for this user. */
export function SettingsPage() {
  const client = useClient();
  const settings = useSettings();
  const change = (part: Partial<Settings>) => void changeSettings(client, part).catch(showProblem);
  return (
    <Page title="Settings">
      <Stack maw={480} gap="xl">
        <div>
          <Text size="sm" fw={500} id="theme-label" mb={6}>
            Theme
          </Text>
          <SegmentedControl
            aria-labelledby="theme-label"
            value={settings.theme}
            onChange={(theme) => change({ theme: theme as Settings["theme"] })}
            data={[
              { value: "system", label: "Like the system" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
        </div>
        <NumberSetting
          label="Time to shut down"
          description="Seconds that a container has to stop by itself before the app asks whether to stop it by force."
          value={settings.stopTimeoutSeconds}
          min={1}
          max={600}
          suffix=" s"
          onCommit={(stopTimeoutSeconds) => change({ stopTimeoutSeconds })}
        />
        <NumberSetting
          label="Lock when idle"
          description="Minutes without a click after which the right to manage containers is given back. 0 is never."
          value={settings.lockAfterMinutes}
          min={0}
          max={1440}
          suffix=" min"
          onCommit={(lockAfterMinutes) => change({ lockAfterMinutes })}
        />
        <AlertSettings />
        <NumberSetting
          label="History of figures"
          description="How much of the disk it may take; the oldest goes first. 0 keeps none, and the charts show what is read while they are open."
          value={settings.historyMegabytes}
          min={0}
          max={4096}
          suffix=" MB"
          onCommit={(historyMegabytes) => change({ historyMegabytes })}
        />
        <ImageSettings />
        <Title order={2} size="h4">
          Terminals
        </Title>
        <TerminalSettings />
      </Stack>
    </Page>
  );
}
