import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconCheck, IconInfoCircle } from "@tabler/icons-react";
import { toProblem } from "../../privileged-helper/contract/problems.ts";
import { explainProblem } from "./problem.ts";
import { ProblemView } from "./problem-view.tsx";

/**
 * Says that something failed, and keeps saying it until the person has seen it. A cancelled one is what they wanted.
 * @param retry Does it again; the toast offers that where it may help.
 */
export function showProblem(error: unknown, retry?: () => unknown): void {
  const problem = toProblem(error);
  if (problem.code === "cancelled") return;
  const { title } = explainProblem(problem);
  const onRetry =
    retry &&
    (() => {
      notifications.hide(id);
      return retry();
    });
  const id = notifications.show({
    title,
    message: <ProblemView problem={problem} withTitle={false} onRetry={onRetry} />,
    color: "red",
    icon: <IconAlertTriangle size={18} aria-hidden />,
    autoClose: false,
    withCloseButton: true,
    closeButtonProps: { "aria-label": "Close" },
    role: "alert",
  });
}

/** Says what is unusual about something that worked, and keeps saying it until the person has seen it. */
export function showNotices(title: string, notices: readonly string[]): void {
  notifications.show({
    title,
    message: notices.map((notice) => <div key={notice}>{notice}</div>),
    color: "yellow",
    icon: <IconInfoCircle size={18} aria-hidden />,
    autoClose: false,
    withCloseButton: true,
    closeButtonProps: { "aria-label": "Close" },
    role: "status",
  });
}

/** Says that something worked, for a moment. */
export function showDone(message: string, action?: { label: string; run(): void }): void {
  const id = notifications.show({
    message: action ? (
      <Group justify="space-between" wrap="nowrap">
        <span>{message}</span>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      </Group>
    ) : (
      message
    ),
    color: "teal",
    icon: <IconCheck size={18} aria-hidden />,
    autoClose: 5_000,
    closeButtonProps: { "aria-label": "Close" },
    role: "status",
  });
}
