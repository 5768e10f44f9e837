const { channel, name } = read(globalThis.location?.hash ?? "");

/** The channel of the one terminal that this page shows, where it is a window of a terminal's own; undefined where it shows the app. */
export const ownTerminal: number | undefined = channel;
/** What the person has called that terminal's tab. */
export const ownTerminalName: string | undefined = name;

/** The address of a terminal's own window, relative to the page's. @param name What the person has called its tab. */
export function ownWindowAddress(channel: number, name: string | undefined): string {
  return `#/terminal-window/${channel}${name === undefined ? "" : `?name=${encodeURIComponent(name)}`}`;
}

/** For a page that is loaded anew: another terminal has taken the place of the one that this window began with. */
export function keepOwnTerminal(channel: number): void {
  history.replaceState(undefined, "", ownWindowAddress(channel, ownTerminalName));
}

function read(hash: string): { channel?: number; name?: string } {
  const [, digits, query = ""] = /^#\/terminal-window\/(\d{1,10})(\?.*)?$/.exec(hash) ?? [];
  if (digits === undefined) return {};
  return { channel: Number(digits), name: new URLSearchParams(query).get("name") ?? undefined };
}
