import { Button, Collapse, Group, Text } from "@mantine/core";
import {
  IconAlertCircle,
  IconAlertTriangle,
  IconCheck,
  IconChevronDown,
  IconChevronRight,
  IconHelpCircle,
  IconMinus,
} from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";

export type CheckState = "ok" | "warning" | "problem" | "critical" | "unknown" | "not-applicable";

export const checkStateTexts: Record<CheckState, string> = {
  ok: "OK",
  warning: "Warning",
  problem: "Problem",
  critical: "Critical",
  unknown: "Not known",
  "not-applicable": "Not needed",
};

type Props = {
  state: CheckState;
  title: string;
  summary: string;
  why: string;
  /** Whether the reason is said at once, or only with the details. */
  saysWhy: boolean;
  evidence: readonly string[];
  /** Below the summary. */
  notes?: ReactNode;
  actions?: ReactNode;
  isOpenAtFirst?: boolean;
  className?: string;
};

/** One check of a list of them: how it is, why that matters, the facts behind it, and what can be done about it. */
export function CheckRow({ state, title, summary, why, saysWhy, evidence, notes, actions, isOpenAtFirst = false, className = "" }: Props) {
  const id = useId();
  const [isOpen, setIsOpen] = useState(isOpenAtFirst);
  const reason = (
    <Text size="sm" c="dimmed">
      {why}
    </Text>
  );
  return (
    <li className="check" data-status={state} aria-labelledby={`${id}-title`}>
      <div className={`check-line ${className}`.trimEnd()}>
        <span className="check-status with-icon">
          <StateIcon state={state} />
          {checkStateTexts[state]}
        </span>
        <Text id={`${id}-title`} fw={600} size="sm" className="check-title">
          {title}
        </Text>
        <div className="check-text">
          <Text size="sm">{summary}</Text>
          {saysWhy && reason}
          {notes}
        </div>
        <Group gap={6} wrap="nowrap" className="check-actions">
          {actions}
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            rightSection={isOpen ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
            aria-expanded={isOpen}
            aria-controls={`${id}-details`}
            aria-label={`Details of ${title}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            Details
          </Button>
        </Group>
      </div>
      <Collapse expanded={isOpen} id={`${id}-details`}>
        <div className="check-details">
          {!saysWhy && reason}
          <ul className="evidence" aria-label={`Evidence for ${title}`}>
            {evidence.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      </Collapse>
    </li>
  );
}

function StateIcon({ state }: { state: CheckState }) {
  if (state === "ok") return <IconCheck size={16} aria-hidden />;
  if (state === "warning") return <IconAlertTriangle size={16} aria-hidden />;
  if (state === "unknown") return <IconHelpCircle size={16} aria-hidden />;
  if (state === "not-applicable") return <IconMinus size={16} aria-hidden />;
  return <IconAlertCircle size={16} aria-hidden />;
}
