import { Button, Group, NumberInput, Select, Stack } from "@mantine/core";
import { type FormEvent, useMemo, useState } from "react";
import { type AlertCondition, type AlertRule, alertConditions } from "../../../privileged-helper/contract/alerts.ts";
import type { ContainerName } from "../../../privileged-helper/contract/names.ts";
import { useContainers } from "../../state/containers.ts";
import { conditionHints, conditionTitles, hasThreshold } from "./alert-rule-text.ts";

type Props = { /** Absent: a new one. */ rule?: AlertRule; onSave(rule: AlertRule): void; onCancel(): void };

const defaultPercent = 90;
const defaultSeconds = 60;
/** No container is called that. */
const everyContainer = "*";

export function AlertRuleForm({ rule, onSave, onCancel }: Props) {
  const containers = useContainers();
  const [condition, setCondition] = useState<AlertCondition>(rule?.condition ?? "memory");
  const [container, setContainer] = useState<string>(rule?.container ?? everyContainer);
  const [percent, setPercent] = useState<number | string>(rule?.abovePercent ?? defaultPercent);
  const [seconds, setSeconds] = useState<number | string>(rule?.forSeconds ?? defaultSeconds);
  const choices = useMemo(() => {
    const names = [...(containers?.values() ?? [])].filter(({ manageable }) => manageable).map(({ name }) => name);
    const all = new Set([...names, ...(rule?.container === undefined ? [] : [rule.container])]);
    return [{ value: everyContainer, label: "All containers" }, ...[...all].sort().map((name) => ({ value: name, label: name }))];
  }, [containers, rule]);
  const isWithThreshold = hasThreshold(condition);
  const wrongPercent = isWithThreshold && !isWithin(percent, 1, 100) ? "From 1 to 100." : undefined;
  const wrongSeconds = isWithThreshold && !isWithin(seconds, 0, 86_400) ? "From 0 to 86400, whole seconds." : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrongPercent !== undefined || wrongSeconds !== undefined) return;
    onSave({
      id: rule?.id ?? newId(),
      condition,
      enabled: rule?.enabled ?? true,
      ...(container === everyContainer ? {} : { container: container as ContainerName }),
      ...(isWithThreshold ? { abovePercent: Number(percent), forSeconds: Number(seconds) } : {}),
    });
  };
  return (
    <form onSubmit={submit} noValidate aria-label={rule ? "Change the rule" : "New rule"}>
      <Stack gap="xs">
        <Select
          label="Tell me when"
          description={conditionHints[condition]}
          inputWrapperOrder={["label", "input", "description", "error"]}
          data={alertConditions.map((value) => ({ value, label: conditionTitles[value] }))}
          value={condition}
          allowDeselect={false}
          data-autofocus
          onChange={(next) => next !== null && setCondition(next as AlertCondition)}
        />
        <Select
          label="In"
          data={choices}
          value={container}
          searchable
          allowDeselect={false}
          onChange={(next) => next !== null && setContainer(next)}
        />
        {isWithThreshold && (
          <Group gap="xs" grow align="flex-start">
            <NumberInput label="Above" suffix=" %" min={1} max={100} value={percent} error={wrongPercent} onChange={setPercent} />
            <NumberInput
              label="For at least"
              suffix=" s"
              min={0}
              max={86_400}
              allowDecimal={false}
              value={seconds}
              error={wrongSeconds}
              onChange={setSeconds}
            />
          </Group>
        )}
        <Group gap="xs" justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit">{rule ? "Save" : "Add"}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function isWithin(value: number | string, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}

/** Of lower-case letters and digits, as rules have them. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => (byte % 36).toString(36)).join("");
}
