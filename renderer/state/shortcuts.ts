import { defaultShortcuts, type ShortcutAction, type Shortcuts } from "../../privileged-helper/contract/terminal-settings.ts";

type Keys = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">;

/** What each action is called, in the order in which they are listed. */
export const shortcutLabels: Record<ShortcutAction, string> = {
  "terminal.new": "New shell",
  "terminal.close": "Close the terminal",
  "terminal.next": "Next tab",
  "terminal.previous": "Tab before",
  "terminal.move-left": "Move the tab to the left",
  "terminal.move-right": "Move the tab to the right",
  "terminal.rename": "Rename the tab",
  "terminal.split-right": "Split: new shell on the right",
  "terminal.split-below": "Split: new shell below",
  "terminal.window": "Window of its own, and back",
  "terminal.focus-left": "Go to the terminal on the left",
  "terminal.focus-right": "Go to the terminal on the right",
  "terminal.focus-up": "Go to the terminal above",
  "terminal.focus-down": "Go to the terminal below",
  "terminal.copy": "Copy what is selected",
  "terminal.paste": "Paste",
  "terminal.select-all": "Select everything",
  "terminal.search": "Search",
  "terminal.clear": "Clear the screen and what was scrolled away",
  "terminal.save": "Save the text",
  "terminal.broadcast": "Broadcast: type into several terminals",
  "terminal.larger": "Larger text",
  "terminal.smaller": "Smaller text",
  "terminal.usual-size": "Usual size of text",
  "terminal.leave": "Leave the terminal: go to its tab",
  "app.shortcuts": "Show all keys",
};
export const shortcutActions = Object.keys(shortcutLabels) as ShortcutAction[];

const modifierKeys = new Set(["Control", "Alt", "AltGraph", "Shift", "Meta", "CapsLock", "Dead", "Process", "Unidentified"]);

/**
 * The keys that are pressed, as they are written in the settings: a letter is what the keyboard's layout makes of it, or, where that is no
 * Latin letter, the one that is printed there on most keyboards. Shift is part of what a sign is, so it is not told apart from it.
 * @returns Nothing while only modifiers are pressed.
 */
export function shortcutOf({ key, code, ctrlKey, altKey, shiftKey, metaKey }: Keys): string | undefined {
  if (modifierKeys.has(key)) return undefined;
  const letter = /^[a-z]$/i.test(key) ? key.toUpperCase() : /^Key([A-Z])$/.exec(code)?.[1];
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1];
  let name = key;
  let hasShift = shiftKey;
  if (letter !== undefined) name = letter;
  else if (digit !== undefined && (ctrlKey || altKey) && !shiftKey) name = digit;
  else if (key === " ") name = "Space";
  else if (key.length === 1) {
    hasShift = false;
    // The keys that make text larger and smaller are these, with Shift and without.
    name = { "=": "+", _: "-" }[key] ?? key;
  }
  if (!/^[!-~]+$/.test(name)) return undefined;
  return `${ctrlKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${hasShift ? "Shift+" : ""}${metaKey ? "Meta+" : ""}${name}`;
}

/** The keys of an action; empty where the person wants none. */
export function keysOf(action: ShortcutAction, changed: Shortcuts): string {
  return changed[action] ?? defaultShortcuts[action];
}

/** What is to be done for keys that are pressed. */
export function actionOf(event: Keys, changed: Shortcuts): ShortcutAction | undefined {
  const pressed = shortcutOf(event);
  return pressed === undefined ? undefined : shortcutActions.find((action) => keysOf(action, changed) === pressed);
}

/** Why keys cannot be an action's, as a sentence. */
export function explainShortcut(action: ShortcutAction, keys: string, changed: Shortcuts): string | undefined {
  const other = shortcutActions.find((candidate) => candidate !== action && keysOf(candidate, changed) === keys);
  if (other) return `These keys are taken by: ${shortcutLabels[other]}.`;
  if (!/^(Ctrl|Alt|Meta)\+/.test(keys) && !/(^|\+)F\d+$/.test(keys)) {
    return "Without Ctrl or Alt these keys belong to what runs in the terminal.";
  }
  if (/^Ctrl\+[A-Z]$/.test(keys)) return "Ctrl with a letter belongs to what runs in the terminal: add Shift or Alt.";
  return undefined;
}

/** @returns What is changed, when an action gets these keys. */
export function withShortcut(changed: Shortcuts, action: ShortcutAction, keys: string): Shortcuts {
  const { [action]: _, ...others } = changed;
  return keys === defaultShortcuts[action] ? others : { ...others, [action]: keys };
}

/** One text for each key, as people know them. */
export function keyNames(keys: string): string[] {
  const names: Record<string, string> = {
    ArrowLeft: "←",
    ArrowRight: "→",
    ArrowUp: "↑",
    ArrowDown: "↓",
    PageUp: "Page up",
    PageDown: "Page down",
    "+": "Plus",
    "-": "Minus",
  };
  const parts = /^((?:(?:Ctrl|Alt|Shift|Meta)\+)*)(.+)$/.exec(keys);
  if (!parts) return [];
  const [, modifiers = "", key = ""] = parts;
  return [...modifiers.split("+").filter((part) => part !== ""), names[key] ?? key];
}
