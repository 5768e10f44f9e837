import { Badge, Button, Checkbox, Group, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { type CapabilityName, capabilitiesOfPresets, capabilityNames } from "../../../privileged-helper/contract/capabilities.ts";
import type { CapabilityUse, SecurityFinding } from "../../../privileged-helper/contract/security.ts";
import { type CapabilityJudgement, capabilityTexts, judgementTexts } from "./capability-text.ts";
import { CapabilityUseWatch } from "./capability-use-watch.tsx";

const groups: readonly { judgement: CapabilityJudgement; title: string }[] = [
  { judgement: "usual", title: "Usual: most services use some of them" },
  { judgement: "rarely-needed", title: "Rarely needed" },
  { judgement: "dangerous", title: "Dangerous: each is a way out of a privileged container, or part of one" },
];

type Props = {
  name: string;
  isRunning: boolean;
  known: NonNullable<SecurityFinding["capabilities"]>;
  chosen: readonly CapabilityName[];
  onChanged(chosen: CapabilityName[]): void;
};

/** All of root's rights, to be chosen one by one: what each lets it do, how risky that is, and who needs it. */
export function CapabilityList({ name: container, isRunning, known: { has, given, init, neededByInit }, chosen, onChanged }: Props) {
  const [use, setUse] = useState<CapabilityUse>();
  const used = use?.used ?? [];
  const initName = init === "systemd" ? "systemd" : "its init";
  const missing = neededByInit.filter((name) => !chosen.includes(name));
  const set = (name: CapabilityName, isOn: boolean) =>
    onChanged(capabilityNames.filter((one) => (one === name ? isOn : chosen.includes(one))));
  return (
    <div className="capability-list">
      <Group gap="xs" role="group" aria-label="Start from">
        <Text size="sm">Start from</Text>
        <Button size="compact-xs" variant="default" onClick={() => onChanged([...has])}>
          What it has
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => onChanged([...capabilitiesOfPresets.service])}>
          One service
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => onChanged([...neededByInit])}>
          What {initName} needs
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => onChanged([])}>
          None
        </Button>
      </Group>
      <CapabilityUseWatch
        name={container}
        isRunning={isRunning}
        use={use}
        onUse={setUse}
        onKeep={() => onChanged(capabilityNames.filter((one) => used.includes(one) || neededByInit.includes(one)))}
      />
      <Text size="sm" mt={6} aria-live="polite">
        {chosen.length} of {capabilityNames.length} chosen.
        {missing.length > 0 && ` ${initName === "systemd" ? initName : "Its init"} may miss ${missing.join(", ")}.`}
      </Text>
      {groups.map(({ judgement, title }) => (
        <fieldset key={judgement} className="capability-group">
          <Text component="legend" size="sm" fw={600}>
            {title}
          </Text>
          {capabilityNames
            .filter((name) => capabilityTexts[name].judgement === judgement)
            .map((name) => (
              <Checkbox
                key={name}
                size="sm"
                checked={chosen.includes(name)}
                onChange={(event) => set(name, event.currentTarget.checked)}
                description={capabilityTexts[name].lets}
                label={
                  <span className="capability-label">
                    <code>{name}</code>
                    {judgement === "dangerous" && <Mark color="red">{judgementTexts.dangerous}</Mark>}
                    {used.includes(name) && <Mark color="blue">used it</Mark>}
                    {neededByInit.includes(name) && <Mark color="blue">{initName} needs it</Mark>}
                    {capabilitiesOfPresets.service.includes(name) && <Mark color="gray">service</Mark>}
                    {has.includes(name) && <Mark color="gray">has it now</Mark>}
                    {!given.includes(name) && <Mark color="gray">cannot be had here</Mark>}
                  </span>
                }
              />
            ))}
        </fieldset>
      ))}
    </div>
  );
}

function Mark({ color, children }: { color: string; children: ReactNode }) {
  return (
    <Badge size="xs" variant="light" color={color} className="capability-mark">
      {children}
    </Badge>
  );
}
