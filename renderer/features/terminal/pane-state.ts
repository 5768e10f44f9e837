import { create } from "zustand";

/** What is open around the terminals: it belongs to no one of them, and is gone with the page. */
type PaneState = {
  /** The terminal that is searched. */
  searched?: string;
  /** The tab whose name is typed. */
  renamed?: string;
  /** The terminal whose menu is open, and where in the window. */
  menu?: { terminal: string; left: number; top: number };
  /** Where a link under the pointer leads, by terminal. */
  links: Readonly<Record<string, string>>;
  /** Terminals whose bell rings just now. */
  ringing: ReadonlySet<string>;
  /** The terminals fill the window. */
  isFull: boolean;
};

export const usePaneState = create<PaneState>(() => ({ links: {}, ringing: new Set(), isFull: false }));

const ringMilliseconds = 200;

/** Shows a bell for a moment. One that goes on ringing is one. */
export function ring(terminal: string): void {
  const { ringing } = usePaneState.getState();
  if (ringing.has(terminal)) return;
  usePaneState.setState({ ringing: new Set(ringing).add(terminal) });
  setTimeout(() => {
    const left = new Set(usePaneState.getState().ringing);
    left.delete(terminal);
    usePaneState.setState({ ringing: left });
  }, ringMilliseconds);
}

export function showLink(terminal: string, address: string | undefined): void {
  const { [terminal]: _, ...others } = usePaneState.getState().links;
  usePaneState.setState({ links: address === undefined ? others : { ...others, [terminal]: address } });
}
