import { SegmentedControl, Stack, Tabs, Text, Title } from "@mantine/core";
import { useLocation } from "wouter";
import type { Settings } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { changeSettings, useSettings } from "../../state/settings.ts";
import { Page } from "../../ui/page.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { AlertSettings } from "./alert-settings.tsx";
import { AuditPanel } from "./audit-panel.tsx";
import { ImageSettings } from "./image-settings.tsx";
import { NumberSetting } from "./number-setting.tsx";
import { RightsPanel } from "./rights-panel.tsx";
import { TerminalSettings } from "./terminal-settings.tsx";

type Tab = "general" | "rights" | "done";
const paths: Record<Tab, string> = { general: "/settings", rights: "/settings/rights", done: "/settings/done" };

/** What a person chose for themselves, what they may, and what was done. @param tab From the address. */
export function SettingsPage({ tab }: { tab: string | undefined }) {
  const [, go] = useLocation();
  return (
    <Page title="Settings">
      <Tabs
        value={tab === "rights" || tab === "done" ? tab : "general"}
        onChange={(next) => go(paths[next as Tab], { replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="general">General</Tabs.Tab>
          <Tabs.Tab value="rights">Rights</Tabs.Tab>
          <Tabs.Tab value="done">What was done</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="general">
          <GeneralSettings />
        </Tabs.Panel>
        <Tabs.Panel value="rights">
          <RightsPanel />
        </Tabs.Panel>
        <Tabs.Panel value="done">
          <AuditPanel />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

/** Kept at once, for this user. */
function GeneralSettings() {
  const client = useClient();
  const settings = useSettings();
  const change = (part: Partial<Settings>) => void changeSettings(client, part).catch(showProblem);
  return (
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
  );
}
