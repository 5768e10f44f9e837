import { create } from "zustand";

/** The one dialog that is open, if any. Any page may open it; the app shows it. */
export type Dialog =
  | { type: "create"; cloneFrom?: string }
  | { type: "destroy"; name: string }
  | { type: "force-stop"; name: string }
  /** A graceful stop has timed out. */
  | { type: "still-running"; name: string; seconds: number };

export const useDialogs = create<{ dialog?: Dialog }>(() => ({}));

export function openDialog(dialog: Dialog): void {
  useDialogs.setState({ dialog });
}

export function closeDialog(): void {
  useDialogs.setState({ dialog: undefined });
}
