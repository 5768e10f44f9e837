import { ActionIcon, Button, Group, Loader, Stack, Switch, Text } from "@mantine/core";
import { IconBell, IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useReducer, useState } from "react";
import { type AlertRule, maxAlertRules } from "../../../privileged-helper/contract/alerts.ts";
import { askToNotify, deleteAlertRule, notifyingState, saveAlertRule, useAlerts } from "../../state/alerts.ts";
import { useClient } from "../../state/connection.ts";
import { showProblem } from "../../ui/toasts.tsx";
import { AlertRuleForm } from "./alert-rule-form.tsx";
import { alertRuleText } from "./alert-rule-text.ts";

/** What a person wants to be told of. */
export function AlertSettings() {
  const client = useClient();
  const list = useAlerts((state) => state.list);
  const [edited, setEdited] = useState<AlertRule | "new">();
  const save = (rule: AlertRule) => saveAlertRule(client, rule).catch(showProblem);
  return (
    <section aria-labelledby="alerts-label">
      <Text size="sm" fw={500} id="alerts-label">
        Alerts
      </Text>
      <Text size="xs" c="dimmed" mb={6}>
        You are told once when one of these is so, and the container is marked in the list until you have seen that.
      </Text>
      {!list ? (
        <Loader size="sm" aria-label="Loading the rules" />
      ) : (
        <Stack gap={4} component="ul" className="plain-list" aria-labelledby="alerts-label">
          {list.rules.map((rule) => {
            const text = alertRuleText(rule);
            return (
              <li key={rule.id} className="alert-rule">
                {edited !== "new" && edited?.id === rule.id ? (
                  <AlertRuleForm
                    rule={rule}
                    onSave={(changed) => void save(changed).then(() => setEdited(undefined))}
                    onCancel={() => setEdited(undefined)}
                  />
                ) : (
                  <Group gap="xs" wrap="nowrap" justify="space-between">
                    <Switch
                      size="sm"
                      label={text}
                      checked={rule.enabled}
                      onChange={(event) => void save({ ...rule, enabled: event.currentTarget.checked })}
                    />
                    <Group gap={2} wrap="nowrap">
                      <ActionIcon variant="subtle" color="gray" aria-label={`Change “${text}”`} onClick={() => setEdited(rule)}>
                        <IconPencil size={16} aria-hidden />
                      </ActionIcon>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`Delete “${text}”`}
                        onClick={() => void deleteAlertRule(client, rule.id).catch(showProblem)}
                      >
                        <IconTrash size={16} aria-hidden />
                      </ActionIcon>
                    </Group>
                  </Group>
                )}
              </li>
            );
          })}
          {list.rules.length === 0 && (
            <Text component="li" size="sm">
              None: you are told of nothing.
            </Text>
          )}
        </Stack>
      )}
      {list &&
        (edited === "new" ? (
          <div className="alert-rule">
            <AlertRuleForm onSave={(rule) => void save(rule).then(() => setEdited(undefined))} onCancel={() => setEdited(undefined)} />
          </div>
        ) : (
          <Button
            mt="xs"
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            disabled={list.rules.length >= maxAlertRules}
            onClick={() => setEdited("new")}
          >
            Add rule
          </Button>
        ))}
      <Notifying />
    </section>
  );
}

/** Asked for by a click, never by itself. */
function Notifying() {
  const list = useAlerts((state) => state.list);
  // What was answered is the browser's to remember: it is only looked up anew.
  const [, lookAgain] = useReducer((count: number) => count + 1, 0);
  const state = notifyingState(list);
  if (!list || state === "desktop") return null;
  return (
    <Group gap="xs" mt="sm">
      {state === "unasked" ? (
        <>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconBell size={14} aria-hidden />}
            onClick={() => void askToNotify().then(lookAgain)}
          >
            Show notifications
          </Button>
          <Text size="xs" c="dimmed">
            Your browser asks whether this page may.
          </Text>
        </>
      ) : (
        <Text size="xs" c="dimmed" role="status">
          {state === "granted"
            ? "Notifications are shown on your desktop."
            : state === "denied"
              ? "Your browser keeps this page from showing notifications. That is changed in the browser's settings of this page."
              : "This browser shows no notifications."}
        </Text>
      )}
    </Group>
  );
}
