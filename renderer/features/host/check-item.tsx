import { Button, Collapse, Group, Text } from "@mantine/core";
import { IconAlertCircle, IconAlertTriangle, IconCheck, IconChevronDown, IconChevronRight, IconTool } from "@tabler/icons-react";
import { useId, useState } from "react";
import type { HostCheck } from "../../../privileged-helper/contract/model.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { useTasksStore } from "../../state/tasks.ts";

export const statusTexts: Record<HostCheck["status"], string> = { ok: "OK", warning: "Warning", problem: "Problem" };

/** One check: how it is, why that matters, the facts behind it, and the button that mends it. */
export function CheckItem({ check }: { check: HostCheck }) {
  const { status, title, summary, evidence, explanation, fix } = check;
  const id = useId();
  const isLive = useIsLive();
  const [isOpen, setIsOpen] = useState(status === "problem");
  const isBeingMended = useTasksStore(({ tasks }) =>
    tasks.some(({ kind, target, state }) => kind === "fix" && target === title && state === "running"),
  );
  return (
    <li className="check" data-status={status} aria-labelledby={`${id}-title`}>
      <div className="check-line">
        <span className="check-status with-icon">
          <StatusIcon status={status} />
          {statusTexts[status]}
        </span>
        <Text id={`${id}-title`} fw={600} size="sm" className="check-title">
          {title}
        </Text>
        <div className="check-text">
          <Text size="sm">{summary}</Text>
          {status === "problem" && (
            <Text size="sm" c="dimmed">
              {explanation}
            </Text>
          )}
        </div>
        <Group gap={6} wrap="nowrap" className="check-actions">
          {fix && (
            <Button
              size="compact-sm"
              variant={status === "problem" ? "filled" : "default"}
              leftSection={<IconTool size={14} aria-hidden />}
              aria-label={`Fix ${title}`}
              disabled={!isLive}
              loading={isBeingMended}
              onClick={() => openDialog({ type: "fix-host", check })}
            >
              Fix
            </Button>
          )}
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
          {status !== "problem" && (
            <Text size="sm" c="dimmed">
              {explanation}
            </Text>
          )}
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

function StatusIcon({ status }: { status: HostCheck["status"] }) {
  if (status === "ok") return <IconCheck size={16} aria-hidden />;
  if (status === "warning") return <IconAlertTriangle size={16} aria-hidden />;
  return <IconAlertCircle size={16} aria-hidden />;
}
