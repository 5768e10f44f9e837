/** What a person may choose about terminals, and what holds until they do. No schema: pages read it, too. */

/** "app" is light or dark like the app. */
export const terminalThemes = [
  "app",
  "high-contrast-dark",
  "high-contrast-light",
  "solarized-dark",
  "solarized-light",
  "gruvbox-dark",
  "nord",
  "dracula",
] as const;
export type TerminalTheme = (typeof terminalThemes)[number];

export const cursorStyles = ["block", "bar", "underline"] as const;
/** Whether pasting several lines asks first. A program that takes a paste as one piece runs none of its lines by itself. */
export const pasteWarnings = ["always", "unless-bracketed", "never"] as const;
/** No browser tells a page whether a screen reader runs, so "system" is on wherever that cannot be known. */
export const screenReaderModes = ["system", "on", "off"] as const;

export type TerminalSettings = {
  /** Empty is the system's own. */
  fontFamily: string;
  /** CSS pixels. */
  fontSize: number;
  /** Of the font's own height. */
  lineHeight: number;
  cursorStyle: (typeof cursorStyles)[number];
  cursorBlink: boolean;
  scrollbackLines: number;
  bell: "visual" | "none";
  theme: TerminalTheme;
  copyOnSelect: boolean;
  pasteWarning: (typeof pasteWarnings)[number];
  screenReader: (typeof screenReaderModes)[number];
};

export const terminalLimits = {
  fontSize: { min: 6, max: 40 },
  lineHeight: { min: 1, max: 2 },
  scrollbackLines: { min: 0, max: 100_000 },
  fontFamilyCharacters: 200,
} as const;

export const defaultTerminalSettings: TerminalSettings = {
  fontFamily: "",
  fontSize: 13,
  lineHeight: 1,
  cursorStyle: "block",
  cursorBlink: false,
  scrollbackLines: 5_000,
  bell: "visual",
  theme: "app",
  copyOnSelect: false,
  pasteWarning: "unless-bracketed",
  screenReader: "system",
};

/** What a key can do, with the keys that do it until a person chooses others. */
export const defaultShortcuts = {
  "terminal.new": "Ctrl+Shift+T",
  "terminal.close": "Ctrl+Shift+W",
  "terminal.next": "Ctrl+Tab",
  "terminal.previous": "Ctrl+Shift+Tab",
  "terminal.move-left": "Ctrl+Shift+PageUp",
  "terminal.move-right": "Ctrl+Shift+PageDown",
  "terminal.rename": "Ctrl+Shift+R",
  "terminal.split-right": "Ctrl+Shift+E",
  "terminal.split-below": "Ctrl+Shift+O",
  "terminal.window": "Ctrl+Shift+D",
  "terminal.focus-left": "Alt+ArrowLeft",
  "terminal.focus-right": "Alt+ArrowRight",
  "terminal.focus-up": "Alt+ArrowUp",
  "terminal.focus-down": "Alt+ArrowDown",
  "terminal.copy": "Ctrl+Shift+C",
  "terminal.paste": "Ctrl+Shift+V",
  "terminal.select-all": "Ctrl+Shift+A",
  "terminal.search": "Ctrl+Shift+F",
  "terminal.clear": "Ctrl+Shift+K",
  "terminal.save": "Ctrl+Shift+S",
  "terminal.broadcast": "Ctrl+Shift+B",
  "terminal.larger": "Ctrl++",
  "terminal.smaller": "Ctrl+-",
  "terminal.usual-size": "Ctrl+0",
  "terminal.leave": "Ctrl+F6",
  "app.shortcuts": "Ctrl+?",
} as const satisfies Record<string, string>;
export type ShortcutAction = keyof typeof defaultShortcuts;
/** Modifiers in this order, and the key's own name (`KeyboardEvent.key`): an empty text is no key at all. */
export const shortcutPattern = /^(?:|(?:Ctrl\+)?(?:Alt\+)?(?:Shift\+)?(?:Meta\+)?(?:[!-~]|[A-Z][A-Za-z0-9]{1,30}))$/;
export type Shortcuts = Partial<Record<ShortcutAction, string>>;
