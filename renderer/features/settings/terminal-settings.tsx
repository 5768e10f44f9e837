import { Button, NativeSelect, Switch, Text, TextInput } from "@mantine/core";
import { IconKeyboard } from "@tabler/icons-react";
import { useState } from "react";
import { type TerminalSettings as Choices, terminalLimits } from "../../../privileged-helper/contract/terminal-settings.ts";
import { useClient } from "../../state/connection.ts";
import { openDialog } from "../../state/dialogs.ts";
import { changeSettings, useSettings } from "../../state/settings.ts";
import { showProblem } from "../../ui/toasts.tsx";
import { NumberSetting } from "./number-setting.tsx";

const themeNames: Record<Choices["theme"], string> = {
  app: "Like the app, light or dark",
  "high-contrast-dark": "High contrast, dark",
  "high-contrast-light": "High contrast, light",
  "solarized-dark": "Solarized dark",
  "solarized-light": "Solarized light",
  "gruvbox-dark": "Gruvbox dark",
  nord: "Nord",
  dracula: "Dracula",
};
const cursorNames: Record<Choices["cursorStyle"], string> = { block: "Block", bar: "Bar", underline: "Underline" };
const bellNames: Record<Choices["bell"], string> = { visual: "Shown", none: "None" };
const pasteNames: Record<Choices["pasteWarning"], string> = {
  always: "Always",
  "unless-bracketed": "Unless the program takes it as one piece",
  never: "Never",
};
const screenReaderNames: Record<Choices["screenReader"], string> = { system: "As needed", on: "On", off: "Off" };

/** How terminals look and behave; those that are open change at once. */
export function TerminalSettings() {
  const client = useClient();
  const { terminal } = useSettings();
  const change = (part: Partial<Choices>) => void changeSettings(client, { terminal: part }).catch(showProblem);
  const { fontSize, lineHeight, scrollbackLines } = terminalLimits;
  return (
    <>
      <Choice label="Colours" names={themeNames} value={terminal.theme} onChosen={(theme) => change({ theme })} />
      <FontFamily value={terminal.fontFamily} onCommit={(fontFamily) => change({ fontFamily })} />
      <NumberSetting
        label="Size of text"
        description="Pixels. In a terminal, Ctrl with plus and minus changes it, too."
        value={terminal.fontSize}
        {...fontSize}
        suffix=" px"
        onCommit={(size) => change({ fontSize: size })}
      />
      <NumberSetting
        label="Line height"
        description="Of the font's own height."
        value={terminal.lineHeight}
        {...lineHeight}
        step={0.1}
        decimals={2}
        onCommit={(height) => change({ lineHeight: height })}
      />
      <Choice label="Cursor" names={cursorNames} value={terminal.cursorStyle} onChosen={(cursorStyle) => change({ cursorStyle })} />
      <Switch
        label="The cursor blinks"
        checked={terminal.cursorBlink}
        onChange={(event) => change({ cursorBlink: event.currentTarget.checked })}
      />
      <NumberSetting
        label="Lines that are kept"
        description="Of what was scrolled away. Each thousand takes about a megabyte of each terminal."
        value={terminal.scrollbackLines}
        {...scrollbackLines}
        onCommit={(lines) => change({ scrollbackLines: lines })}
      />
      <Choice label="Bell" names={bellNames} value={terminal.bell} onChosen={(bell) => change({ bell })} />
      <Switch
        label="Copy what is selected at once"
        checked={terminal.copyOnSelect}
        onChange={(event) => change({ copyOnSelect: event.currentTarget.checked })}
      />
      <Choice
        label="Ask before several lines are pasted"
        description="A shell runs each line at once. Some programs tell that they take what is pasted as one piece (bracketed paste)."
        names={pasteNames}
        value={terminal.pasteWarning}
        onChosen={(pasteWarning) => change({ pasteWarning })}
      />
      <Choice
        label="For screen readers"
        description="Has a screen reader read what terminals write. No browser tells a page whether there is one, so “As needed” is on there. Off is a little faster."
        names={screenReaderNames}
        value={terminal.screenReader}
        onChosen={(screenReader) => change({ screenReader })}
      />
      <div>
        <Text size="sm" fw={500} mb={6}>
          Keys
        </Text>
        <Button variant="default" leftSection={<IconKeyboard size={16} aria-hidden />} onClick={() => openDialog({ type: "shortcuts" })}>
          Show and change keys
        </Button>
      </div>
    </>
  );
}

type ChoiceProps<T extends string> = { label: string; description?: string; names: Record<T, string>; value: T; onChosen(value: T): void };

function Choice<T extends string>({ label, description, names, value, onChosen }: ChoiceProps<T>) {
  const data = (Object.entries(names) as [T, string][]).map(([name, text]) => ({ value: name, label: text }));
  return (
    <NativeSelect
      label={label}
      description={description}
      data={data}
      value={value}
      onChange={(event) => onChosen(event.currentTarget.value as T)}
    />
  );
}

/** Kept when the person leaves the field or presses Enter. */
function FontFamily({ value, onCommit }: { value: string; onCommit(value: string): void }) {
  const [draft, setDraft] = useState<string>();
  const isWrong = draft !== undefined && !/^[\p{L}\p{N} ,_.'"-]*$/u.test(draft);
  const commit = () => {
    if (isWrong) return;
    if (draft !== undefined && draft.trim() !== value) onCommit(draft.trim());
    setDraft(undefined);
  };
  return (
    <TextInput
      label="Font"
      description="Names of fonts that are installed, the one that you like best first. Empty is the system's own."
      placeholder="JetBrains Mono, DejaVu Sans Mono"
      autoComplete="off"
      spellCheck={false}
      maxLength={terminalLimits.fontFamilyCharacters}
      value={draft ?? value}
      error={isWrong && "A name of a font has letters, digits and blanks."}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
    />
  );
}
