import { Button } from "@mantine/core";
import { IconTool } from "@tabler/icons-react";
import type { HostCheck } from "../../../privileged-helper/contract/model.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { useTasksStore } from "../../state/tasks.ts";
import { CheckRow } from "../../ui/check-row.tsx";

/** One check of this computer, and the button that mends it. */
export function CheckItem({ check }: { check: HostCheck }) {
  const { status, title, summary, evidence, explanation, fix } = check;
  const isLive = useIsLive();
  const isBeingMended = useTasksStore(({ tasks }) =>
    tasks.some(({ kind, target, state }) => kind === "fix" && target === title && state === "running"),
  );
  return (
    <CheckRow
      state={status}
      title={title}
      summary={summary}
      why={explanation}
      saysWhy={status === "problem"}
      evidence={evidence}
      isOpenAtFirst={status === "problem"}
      actions={
        fix && (
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
        )
      }
    />
  );
}
