import { Button, Menu, Text } from "@mantine/core";
import { IconChevronDown, IconShieldCheck } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { HostSecurityFinding, SecurityFinding } from "../../../privileged-helper/contract/security.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { CheckRow } from "../../ui/check-row.tsx";
import { formatMoment } from "../../ui/format.ts";
import { useNow } from "../../ui/use-now.ts";
import { isOpen } from "./security-text.ts";
import { UpdateButtons } from "./update-buttons.tsx";

/** One check of a container: how it is, why that matters, the facts behind it, and what can be done about it. */
export function FindingItem({ name, finding, isManageable }: { name: string; finding: SecurityFinding; isManageable: boolean }) {
  const { title, fixes, canUndo, accepted } = finding;
  const isLive = useIsLive();
  const canAccept = isOpen(finding) || accepted !== undefined;
  const canBePrivileged = finding.check === "user-namespace" && finding.state === "ok";
  const canChoose =
    fixes.length === 0 && (finding.capabilities !== undefined || finding.markedFiles?.files.some(({ isOwn }) => isOwn) === true);
  const { diskLimit } = finding;
  const hasMore = diskLimit?.bytes !== undefined || canUndo || canAccept || canChoose || canBePrivileged;
  return (
    <FindingRow
      finding={finding}
      note={accepted && isOpen(finding) ? <AcceptedNote accepted={accepted} /> : undefined}
      actions={
        isManageable && (
          <>
            {finding.check === "updates" && <UpdateButtons name={name} finding={finding} />}
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
                  {canChoose && (
                    <Menu.Item
                      disabled={finding.markedFiles?.obstacle !== undefined}
                      onClick={() => openDialog({ type: "harden", name, finding })}
                    >
                      {finding.markedFiles?.obstacle ?? "Choose one by one…"}
                    </Menu.Item>
                  )}
                  {diskLimit?.bytes !== undefined && (
                    <Menu.Item
                      onClick={() =>
                        openDialog({ type: "harden", name, finding: { ...finding, fixes: [{ check: "disk", ...diskLimit }] } })
                      }
                    >
                      Change the limit…
                    </Menu.Item>
                  )}
                  {canUndo && <Menu.Item onClick={() => openDialog({ type: "soften", name, finding })}>Undo the fix…</Menu.Item>}
                  {canBePrivileged && (
                    <Menu.Item
                      onClick={() =>
                        openDialog({
                          type: "harden",
                          name,
                          finding: { ...finding, fixes: [{ check: "user-namespace", to: "privileged" }] },
                        })
                      }
                    >
                      Make it privileged…
                    </Menu.Item>
                  )}
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
  return <FindingRow finding={finding} />;
}

type Shown = Pick<SecurityFinding, "state" | "title" | "summary" | "why" | "evidence" | "difference">;

function FindingRow({ finding, note, actions }: { finding: Shown; note?: ReactNode; actions?: ReactNode }) {
  const { state, title, summary, why, evidence, difference } = finding;
  return (
    <CheckRow
      state={state}
      title={title}
      summary={summary}
      why={why}
      saysWhy={isOpen({ state })}
      evidence={evidence}
      className="security-line"
      actions={actions}
      notes={
        <>
          {difference && (
            <Text size="sm" className="warning">
              {difference}
            </Text>
          )}
          {note}
        </>
      }
    />
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
