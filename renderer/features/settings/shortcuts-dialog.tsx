import { ActionIcon, Button, Group, Kbd, Text } from "@mantine/core";
import { IconArrowBackUp, IconPencil, IconX } from "@tabler/icons-react";
import { type KeyboardEvent, useState } from "react";
import { defaultShortcuts, type ShortcutAction, type Shortcuts } from "../../../privileged-helper/contract/terminal-settings.ts";
import { useClient } from "../../state/connection.ts";
import { changeSettings, useSettings } from "../../state/settings.ts";
import { explainShortcut, keyNames, keysOf, shortcutActions, shortcutLabels, shortcutOf, withShortcut } from "../../state/shortcuts.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { showProblem } from "../../ui/toasts.tsx";

/** All keys that the app has, to be read and to be changed. */
export function ShortcutsDialog() {
  const client = useClient();
  const { shortcuts } = useSettings();
  const [edited, setEdited] = useState<ShortcutAction>();
  const [reason, setReason] = useState<string>();
  const change = (next: Shortcuts) => void changeSettings(client, { shortcuts: next }).catch(showProblem);
  const end = () => {
    setEdited(undefined);
    setReason(undefined);
  };
  const onKeyDown = (event: KeyboardEvent, action: ShortcutAction) => {
    // Whoever only looks for a way out finds it: these two are never an action's keys.
    if (event.key === "Tab" && !event.ctrlKey && !event.altKey) return end();
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return end();
    const keys = shortcutOf(event.nativeEvent);
    if (keys === undefined) return;
    const wrong = explainShortcut(action, keys, shortcuts);
    if (wrong !== undefined) return setReason(wrong);
    change(withShortcut(shortcuts, action, keys));
    end();
  };
  return (
    <Dialog
      title="Keys"
      size="lg"
      buttons={
        <DialogButtons cancel="Close">
          <Button variant="default" disabled={Object.keys(shortcuts).length === 0} onClick={() => change({})}>
            Reset all
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">
        In a terminal all other keys go to what runs there. In a tab of an ordinary browser window some of these are the browser's: choose
        others, or open LXC Desktop in a window of its own.
      </Text>
      <ul className="plain-list shortcuts" aria-label="Keys">
        {shortcutActions.map((action) => {
          const label = shortcutLabels[action];
          const isEdited = action === edited;
          return (
            <li key={action} className="shortcut">
              <span className="shortcut-label">{label}</span>
              {isEdited ? (
                <button
                  type="button"
                  className="shortcut-field"
                  aria-label={`Press the keys for: ${label}`}
                  aria-describedby="shortcut-reason"
                  // biome-ignore lint/a11y/noAutofocus: what is pressed next is meant for it
                  autoFocus
                  onKeyDown={(event) => onKeyDown(event, action)}
                  onBlur={end}
                >
                  Press the keys…
                </button>
              ) : (
                <Keys keys={keysOf(action, shortcuts)} />
              )}
              <Group gap={2} wrap="nowrap" className="shortcut-buttons">
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Change the keys for: ${label}`}
                  onClick={() => {
                    setReason(undefined);
                    setEdited(action);
                  }}
                >
                  <IconPencil size={16} aria-hidden />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`No keys for: ${label}`}
                  disabled={keysOf(action, shortcuts) === ""}
                  onClick={() => change(withShortcut(shortcuts, action, ""))}
                >
                  <IconX size={16} aria-hidden />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Usual keys for: ${label}`}
                  disabled={shortcuts[action] === undefined}
                  onClick={() => {
                    const wrong = explainShortcut(action, defaultShortcuts[action], shortcuts);
                    if (wrong === undefined) return change(withShortcut(shortcuts, action, defaultShortcuts[action]));
                    setReason(wrong);
                    setEdited(action);
                  }}
                >
                  <IconArrowBackUp size={16} aria-hidden />
                </ActionIcon>
              </Group>
              {isEdited && (
                <Text
                  size="xs"
                  id="shortcut-reason"
                  role="status"
                  className={reason === undefined ? "muted shortcut-reason" : "dangerous shortcut-reason"}
                >
                  {reason ?? "Escape leaves them as they are."}
                </Text>
              )}
            </li>
          );
        })}
      </ul>
    </Dialog>
  );
}

function Keys({ keys }: { keys: string }) {
  if (keys === "") return <span className="shortcut-keys muted">None</span>;
  return (
    <span className="shortcut-keys">
      {keyNames(keys).map((key) => (
        <Kbd key={key} size="xs">
          {key}
        </Kbd>
      ))}
    </span>
  );
}
