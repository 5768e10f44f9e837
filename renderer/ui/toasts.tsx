import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconCheck, IconInfoCircle } from "@tabler/icons-react";
import type { EndedAtOnce } from "../../privileged-helper/contract/model.ts";
import { toProblem } from "../../privileged-helper/contract/problems.ts";
import { containerPath } from "./paths.ts";
import { explainProblem } from "./problem.ts";
import { EarlyEndView, ProblemView } from "./problem-view.tsx";

const closeButtonProps = { "aria-label": "Close" };
/** Until the person has seen it. */
const staying = { autoClose: false, withCloseButton: true, closeButtonProps } as const;

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
  if (problem.code === "start-failed") {
    hideStartProblem(problem.name);
    if (isOnPageOf(problem.name)) return;
  }
  const id = notifications.show({
    ...(problem.code === "start-failed" ? { id: startToast(problem.name) } : {}),
    title,
    message: <ProblemView problem={problem} withTitle={false} onRetry={onRetry} />,
    color: "red",
    icon: <IconAlertTriangle size={18} aria-hidden />,
    ...staying,
    role: "alert",
  });
}

/** Says that a container has ended as soon as it was started, and keeps saying it until the person has seen it. */
export function showEarlyEnd(name: string, end: EndedAtOnce): void {
  hideStartProblem(name);
  if (isOnPageOf(name)) return;
  notifications.show({
    id: startToast(name),
    title: `${name} has ended already`,
    message: <EarlyEndView name={name} end={end} />,
    color: "yellow",
    icon: <IconInfoCircle size={18} aria-hidden />,
    ...staying,
    role: "status",
  });
}

/** Takes back what was said about the last start of a container: there is a new one. */
export function hideStartProblem(name: string): void {
  notifications.hide(startToast(name));
}

/** A container's own page says how its last start went. */
function isOnPageOf(name: string): boolean {
  const page = `#${containerPath(name)}`;
  return location.hash === page || location.hash.startsWith(`${page}/`);
}

function startToast(name: string): string {
  return `start of ${name}`;
}

/** Says what is unusual about something that worked, and keeps saying it until the person has seen it. */
export function showNotices(title: string, notices: readonly string[]): void {
  notifications.show({
    title,
    message: notices.map((notice) => <div key={notice}>{notice}</div>),
    color: "yellow",
    icon: <IconInfoCircle size={18} aria-hidden />,
    ...staying,
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
          style={{ flex: "none" }}
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
    closeButtonProps,
    role: "status",
  });
}
