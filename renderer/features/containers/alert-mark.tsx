import { Button, Group, Popover, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { alertSentence } from "../../../privileged-helper/contract/alerts.ts";
import { dismissAlert, useAlertsOf } from "../../state/alerts.ts";
import { useClient } from "../../state/connection.ts";
import { formatMoment } from "../../ui/format.ts";
import { showProblem } from "../../ui/toasts.tsx";

/** Beside a container's name while there is something that a person was to be told of it, until they have seen it. */
export function AlertMark({ name }: { name: string }) {
  const alerts = useAlertsOf(name);
  const client = useClient();
  if (alerts.length === 0) return null;
  const isOver = alerts.every(({ until }) => until !== undefined);
  const texts = alerts.map(alertSentence);
  return (
    <Popover withArrow trapFocus shadow="md" position="bottom-start">
      <Popover.Target>
        <button
          type="button"
          className={`icon-button alert-mark ${isOver ? "muted" : "dangerous"}`}
          aria-label={`${alerts.length === 1 ? "Alert" : `${alerts.length} alerts`}: ${texts.join(" ")}`}
          data-hint={texts.join(" ")}
        >
          <IconAlertTriangle size={17} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm" maw={340}>
          {alerts.map((alert) => (
            <div key={alert.id}>
              <Text size="sm">{alertSentence(alert)}</Text>
              <Group justify="space-between" gap="sm">
                <Text size="xs" c="dimmed">
                  {formatMoment(alert.since, Date.now())}
                  {alert.until === undefined ? ", and it still is so" : `, over since ${formatMoment(alert.until, Date.now())}`}
                </Text>
                <Button size="compact-xs" variant="default" onClick={() => void dismissAlert(client, alert.id).catch(showProblem)}>
                  Dismiss
                </Button>
              </Group>
            </div>
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
