import { Button, Collapse, Group, Menu, Text } from "@mantine/core";
import {
  IconAlertCircle,
  IconAlertTriangle,
  IconCheck,
  IconChevronDown,
  IconChevronRight,
  IconHelpCircle,
  IconMinus,
  IconShieldCheck,
} from "@tabler/icons-react";
import { useId, useState } from "react";
import type { HostSecurityFinding, SecurityFinding, SecurityState } from "../../../privileged-helper/contract/security.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { formatMoment } from "../../ui/format.ts";
import { useNow } from "../../ui/use-now.ts";
import { isOpen, stateTexts } from "./security-text.ts";

/** One check of a container: how it is, why that matters, the facts behind it, and what can be done about it. */
export function FindingItem({ name, finding, isManageable }: { name: string; finding: SecurityFinding; isManageable: boolean }) {
  const { title, fixes, canUndo, accepted } = finding;
  const isLive = useIsLive();
  const canAccept = isOpen(finding) || accepted !== undefined;
  const hasMore = canUndo || canAccept;
  return (
    <CheckRow
      finding={finding}
      note={accepted && isOpen(finding) ? <AcceptedNote accepted={accepted} /> : undefined}
      actions={
        isManageable && (
          <>
            {fixes.length > 0 && (
              <Button
                size="compact-sm"
                variant={finding.state === "problem" || finding.state === "critical" ? "filled" : "default"}
                leftSection={<IconShieldCheck size={14} aria-hidden />}
                aria-label={`Fix ${title}`}
                disabled={!isLive}
                onClick={() => openDialog({ type: "harden", name, finding })}
              >
                Fix
              </Button>
            )}
            {hasMore && (
              <Menu position="bottom-end" withinPortal>
                <Menu.Target>
                  <Button
                    size="compact-sm"
                    variant="default"
                    rightSection={<IconChevronDown size={14} aria-hidden />}
                    aria-label={`More about ${title}`}
                    disabled={!isLive}
                  >
                    More
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  {canUndo && <Menu.Item onClick={() => openDialog({ type: "soften", name, finding })}>Undo the fix…</Menu.Item>}
                  {canAccept && (
                    <Menu.Item onClick={() => openDialog({ type: "accept-risk", name, finding })}>
                      {accepted ? "Change the note on this risk…" : "Accept this risk…"}
                    </Menu.Item>
                  )}
                </Menu.Dropdown>
              </Menu>
            )}
          </>
        )
      }
    />
  );
}

/** One check of this computer's kernel. */
export function HostFindingItem({ finding }: { finding: HostSecurityFinding }) {
  return <CheckRow finding={finding} />;
}

type Shown = Pick<SecurityFinding, "state" | "title" | "summary" | "why" | "evidence" | "difference">;

function CheckRow({ finding, note, actions }: { finding: Shown; note?: React.ReactNode; actions?: React.ReactNode }) {
  const { state, title, summary, why, evidence, difference } = finding;
  const id = useId();
  const [isOpened, setIsOpened] = useState(false);
  return (
    <li className="check" data-status={state} aria-labelledby={`${id}-title`}>
      <div className="check-line security-line">
        <span className="check-status with-icon">
          <StateIcon state={state} />
          {stateTexts[state]}
        </span>
        <Text id={`${id}-title`} fw={600} size="sm" className="check-title">
          {title}
        </Text>
        <div className="check-text">
          <Text size="sm">{summary}</Text>
          {isOpen({ state }) && (
            <Text size="sm" c="dimmed">
              {why}
            </Text>
          )}
          {difference && (
            <Text size="sm" className="warning">
              {difference}
            </Text>
          )}
          {note}
        </div>
        <Group gap={6} wrap="nowrap" className="check-actions">
          {actions}
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            rightSection={isOpened ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
            aria-expanded={isOpened}
            aria-controls={`${id}-details`}
            aria-label={`Details of ${title}`}
            onClick={() => setIsOpened(!isOpened)}
          >
            Details
          </Button>
        </Group>
      </div>
      <Collapse expanded={isOpened} id={`${id}-details`}>
        <div className="check-details">
          {!isOpen({ state }) && (
            <Text size="sm" c="dimmed">
              {why}
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

function AcceptedNote({ accepted: { note, at } }: { accepted: NonNullable<SecurityFinding["accepted"]> }) {
  const now = useNow(60_000);
  return (
    <Text size="sm">
      Accepted {formatMoment(at, now)}: {note}
    </Text>
  );
}

function StateIcon({ state }: { state: SecurityState }) {
  if (state === "ok") return <IconCheck size={16} aria-hidden />;
  if (state === "warning") return <IconAlertTriangle size={16} aria-hidden />;
  if (state === "unknown") return <IconHelpCircle size={16} aria-hidden />;
  if (state === "not-applicable") return <IconMinus size={16} aria-hidden />;
  return <IconAlertCircle size={16} aria-hidden />;
}
