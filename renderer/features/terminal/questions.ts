import { create } from "zustand";

/** What a person is asked before something is done that a terminal, or a key too many, may have brought about. */
export type Question =
  | { type: "link"; address: URL }
  | { type: "paste"; text: string; paste(): void }
  | { type: "replace"; file: string; replace(): void }
  /** What runs in these ends. */
  | { type: "close"; terminals: readonly string[] };

export const useQuestion = create<{ question?: Question }>(() => ({}));

let focusedBefore: Element | null = null;

export function ask(question: Question): void {
  focusedBefore = document.activeElement;
  useQuestion.setState({ question });
}

/** The focus goes back to where it was. */
export function closeQuestion(): void {
  useQuestion.setState({ question: undefined });
  const target = focusedBefore;
  requestAnimationFrame(() => {
    if (target instanceof HTMLElement && target.isConnected) target.focus();
  });
}
