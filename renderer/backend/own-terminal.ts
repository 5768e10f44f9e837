/** The channel of the one terminal that this page shows, where it is a window of a terminal's own; undefined where it shows the app. */
export const ownTerminal: number | undefined = channelOf(globalThis.location?.hash ?? "");

/** The address of a terminal's own window, relative to the page's. */
export function ownWindowAddress(channel: number): string {
  return `#/terminal-window/${channel}`;
}

/** For a page that is loaded anew: another terminal has taken the place of the one that this window began with. */
export function keepOwnTerminal(channel: number): void {
  history.replaceState(undefined, "", ownWindowAddress(channel));
}

function channelOf(hash: string): number | undefined {
  const digits = /^#\/terminal-window\/(\d{1,10})$/.exec(hash)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
