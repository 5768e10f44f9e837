import { describe, expect, it } from "vitest";
import { defaultShortcuts, shortcutPattern } from "../../privileged-helper/contract/terminal-settings.ts";
import { actionOf, explainShortcut, keyNames, shortcutActions, shortcutOf, withShortcut } from "./shortcuts.ts";

const press = (key: string, code: string, modifiers: Partial<KeyboardEvent> = {}) => ({
  key,
  code,
  ctrlKey: false,
  altKey: false,
  shiftKey: false,
  metaKey: false,
  ...modifiers,
});

describe("keys", () => {
  it("are written the same whatever Shift makes of a letter", () => {
    expect(shortcutOf(press("T", "KeyT", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+Shift+T");
    expect(shortcutOf(press("t", "KeyT", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+Shift+T");
  });

  it("follow the keyboard's layout where it has Latin letters, and their place where it has none", () => {
    expect(shortcutOf(press("a", "KeyQ", { altKey: true }))).toBe("Alt+A");
    expect(shortcutOf(press("е", "KeyT", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+Shift+T");
  });

  it("that make a sign need no Shift to be told apart", () => {
    expect(shortcutOf(press("?", "Slash", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+?");
    expect(shortcutOf(press("=", "Equal", { ctrlKey: true }))).toBe("Ctrl++");
    expect(shortcutOf(press("+", "Equal", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl++");
    expect(shortcutOf(press("+", "NumpadAdd", { ctrlKey: true }))).toBe("Ctrl++");
    expect(shortcutOf(press("0", "Numpad0", { ctrlKey: true }))).toBe("Ctrl+0");
  });

  it("are none while only modifiers are pressed", () => {
    expect(shortcutOf(press("Control", "ControlLeft", { ctrlKey: true }))).toBeUndefined();
  });

  it("are shown in words", () => {
    expect(keyNames("Ctrl++")).toEqual(["Ctrl", "Plus"]);
    expect(keyNames("Ctrl+Shift+PageUp")).toEqual(["Ctrl", "Shift", "Page up"]);
    expect(keyNames("F6")).toEqual(["F6"]);
    expect(keyNames("")).toEqual([]);
  });
});

describe("shortcuts", () => {
  it("have keys of their own from the start, which the settings take", () => {
    const all = Object.values(defaultShortcuts);
    expect(new Set(all).size).toBe(all.length);
    for (const keys of all) expect(keys).toMatch(shortcutPattern);
    for (const action of shortcutActions) expect(explainShortcut(action, defaultShortcuts[action], {})).toBeUndefined();
  });

  it("do what they were changed to, and no longer what they did", () => {
    const changed = withShortcut({}, "terminal.new", "Ctrl+Shift+N");
    expect(actionOf(press("N", "KeyN", { ctrlKey: true, shiftKey: true }), changed)).toBe("terminal.new");
    expect(actionOf(press("T", "KeyT", { ctrlKey: true, shiftKey: true }), changed)).toBeUndefined();
    expect(withShortcut(changed, "terminal.new", "Ctrl+Shift+T")).toEqual({});
    expect(actionOf(press("T", "KeyT", { ctrlKey: true, shiftKey: true }), withShortcut({}, "terminal.new", ""))).toBeUndefined();
  });

  it("are refused where they are another's, or the shell's", () => {
    expect(explainShortcut("terminal.new", "Ctrl+Shift+W", {})).toContain("Close the terminal");
    expect(explainShortcut("terminal.new", "Ctrl+C", {})).toContain("what runs in the terminal");
    expect(explainShortcut("terminal.new", "X", {})).toContain("what runs in the terminal");
    expect(explainShortcut("terminal.new", "F4", {})).toBeUndefined();
  });
});
