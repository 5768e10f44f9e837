import { create } from "zustand";
import type { FilledInInput, ParamsInputOf } from "../../privileged-helper/contract/methods.ts";
import type { HostCheck, ReadyImage } from "../../privileged-helper/contract/model.ts";
import type { Problem } from "../../privileged-helper/contract/problems.ts";
import type { SecurityFinding } from "../../privileged-helper/contract/security.ts";

/** The one dialog that is open, if any. Any page may open it; the app shows it. */
export type Dialog =
  | {
      type: "create";
      cloneFrom?: string /** A value of the list of images. */;
      image?: string /** What it was filled in with before. */;
      again?: FilledInInput;
    }
  | { type: "destroy"; name: string }
  | { type: "force-stop"; name: string }
  /** A graceful stop has timed out. */
  | { type: "still-running"; name: string; seconds: number }
  | { type: "delete-image"; image: string; name: string; bytes: number }
  | { type: "delete-ready-image"; image: ReadyImage; name: string }
  | { type: "save-image"; name: string }
  | { type: "try"; source: ParamsInputOf<"containers.try">["source"]; title: string }
  | { type: "keep"; name: string }
  | { type: "new-terminal"; name: string; kind: "shell" | "command" }
  | { type: "shortcuts" }
  | { type: "harden"; name: string; finding: SecurityFinding }
  | { type: "soften"; name: string; finding: SecurityFinding }
  | { type: "accept-risk"; name: string; finding: SecurityFinding }
  | { type: "fix-host"; check: HostCheck }
  /** A container did not start, and something can be done about it. */
  | { type: "fix-start"; problem: Extract<Problem, { code: "start-failed" }> };

export const useDialogs = create<{ dialog?: Dialog }>(() => ({}));

let focusedBefore: Element | null = null;

export function openDialog(dialog: Dialog): void {
  if (!useDialogs.getState().dialog) focusedBefore = document.activeElement;
  useDialogs.setState({ dialog });
}

/** The focus goes back to where it was, so that the keyboard goes on from there. */
export function closeDialog(): void {
  useDialogs.setState({ dialog: undefined });
  const target = focusedBefore;
  // Once the dialog has left the page, and let go of the focus.
  requestAnimationFrame(() => {
    if (target instanceof HTMLElement && target.isConnected && !useDialogs.getState().dialog) target.focus();
  });
}
