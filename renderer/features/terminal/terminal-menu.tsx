import { ActionIcon, Menu } from "@mantine/core";
import {
  IconAccessPoint,
  IconAppWindow,
  IconArrowBackUp,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconBorderHorizontal,
  IconBorderVertical,
  IconChevronDown,
  IconDeviceFloppy,
  IconDeviceTv,
  IconEraser,
  IconKeyboard,
  IconPencil,
  IconPlayerPlay,
  IconPlus,
  IconSearch,
  IconSettings,
  IconTerminal2,
  IconUpload,
  IconUserCircle,
  IconX,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import type { ShortcutAction } from "../../../privileged-helper/contract/terminal-settings.ts";
import { ownTerminal } from "../../backend/own-terminal.ts";
import { useClient } from "../../state/connection.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useSettings } from "../../state/settings.ts";
import { keyNames, keysOf } from "../../state/shortcuts.ts";
import { addTerminal, useTerminals } from "../../state/terminals.ts";
import { drawnTerminal } from "./live-terminals.ts";
import { usePaneState } from "./pane-state.ts";
import { runTerminalAction } from "./terminal-actions.ts";
import { uploadFiles } from "./uploads.ts";

/** Opens another shell, another kind of terminal, or does something with the one that has the focus. */
export function TerminalMenu({ container, active, canOpen }: { container: string; active?: string; canOpen: boolean }) {
  const [, go] = useLocation();
  const isFull = usePaneState((state) => state.isFull);
  const newKeys = useKeys("terminal.new");
  return (
    <div className="terminal-buttons">
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label="New shell"
        title={`New shell${newKeys === "" ? "" : ` (${newKeys})`}`}
        disabled={!canOpen}
        onClick={() => addTerminal(container, { type: "shell" }, { type: "tab" })}
      >
        <IconPlus size={18} aria-hidden />
      </ActionIcon>
      <Menu
        position="bottom-end"
        withinPortal
        portalProps={{ target: "#main" }}
        shadow="md"
        withInitialFocusPlaceholder={false}
        returnFocus={false}
      >
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="New terminal, and more">
            <IconChevronDown size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown className="terminal-menu">
          <Menu.Label>New terminal</Menu.Label>
          <Menu.Item
            leftSection={<IconTerminal2 size={16} aria-hidden />}
            disabled={!canOpen}
            onClick={() => addTerminal(container, { type: "shell" }, { type: "tab" })}
          >
            Shell as root
          </Menu.Item>
          <Menu.Item
            leftSection={<IconUserCircle size={16} aria-hidden />}
            disabled={!canOpen}
            onClick={() => openDialog({ type: "new-terminal", name: container, kind: "shell" })}
          >
            Shell as another user, or elsewhere…
          </Menu.Item>
          <Menu.Item
            leftSection={<IconDeviceTv size={16} aria-hidden />}
            disabled={!canOpen}
            onClick={() => addTerminal(container, { type: "console" }, { type: "tab" })}
          >
            Console
          </Menu.Item>
          <Menu.Item
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            disabled={!canOpen}
            onClick={() => openDialog({ type: "new-terminal", name: container, kind: "command" })}
          >
            Run a command…
          </Menu.Item>
          {active !== undefined && (
            <>
              <Menu.Divider />
              <TerminalItems id={active} canOpen={canOpen} />
            </>
          )}
          <Menu.Divider />
          <Menu.Item
            leftSection={isFull ? <IconArrowsMinimize size={16} aria-hidden /> : <IconArrowsMaximize size={16} aria-hidden />}
            onClick={() => usePaneState.setState({ isFull: !isFull })}
          >
            {isFull ? "Show the rest of the page" : "Fill the window"}
          </Menu.Item>
          <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={() => openDialog({ type: "shortcuts" })}>
            Keys…
          </Menu.Item>
          <Menu.Item leftSection={<IconSettings size={16} aria-hidden />} onClick={() => go("/settings")}>
            Settings of terminals
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

/** The menu under the right mouse button, where that was pressed. */
export function ContextMenu() {
  const menu = usePaneState((state) => state.menu);
  const isThere = useTerminals(({ terminals }) => menu !== undefined && terminals.has(menu.terminal));
  const isInTab = useTerminals(({ terminals, rows }) => {
    const info = menu && terminals.get(menu.terminal);
    return info !== undefined && (rows[info.container]?.tabs.length ?? 0) > 0;
  });
  if (!menu || !isThere) return null;
  const close = () => {
    usePaneState.setState({ menu: undefined });
    focusAfterMenu(menu.terminal);
  };
  return (
    <Menu
      opened
      onClose={close}
      position="bottom-start"
      offset={0}
      withinPortal
      portalProps={{ target: "#main" }}
      shadow="md"
      withInitialFocusPlaceholder={false}
      returnFocus={false}
    >
      <Menu.Target>
        <div className="terminal-menu-place" style={{ left: menu.left, top: menu.top }} />
      </Menu.Target>
      <Menu.Dropdown className="terminal-menu">
        <Item id={menu.terminal} action="terminal.copy">
          Copy
        </Item>
        <Item id={menu.terminal} action="terminal.paste">
          Paste
        </Item>
        <Item id={menu.terminal} action="terminal.select-all">
          Select everything
        </Item>
        <Menu.Divider />
        {ownTerminal !== undefined ? (
          <OwnWindowItems id={menu.terminal} />
        ) : isInTab ? (
          <TerminalItems id={menu.terminal} canOpen />
        ) : (
          <Item id={menu.terminal} action="terminal.search" icon={<IconSearch size={16} aria-hidden />}>
            Search
          </Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function TerminalItems({ id, canOpen }: { id: string; canOpen: boolean }) {
  const isBroadcasting = useTerminals(({ terminals }) => terminals.get(id)?.isBroadcasting === true);
  const isElsewhere = useTerminals(({ terminals }) => terminals.get(id)?.isElsewhere === true);
  const canMove = useTerminals(({ terminals }) => terminals.get(id)?.channel !== undefined);
  return (
    <>
      <Item id={id} action="terminal.search" icon={<IconSearch size={16} aria-hidden />}>
        Search
      </Item>
      <Item id={id} action="terminal.split-right" icon={<IconBorderVertical size={16} aria-hidden />} disabled={!canOpen}>
        Split: right
      </Item>
      <Item id={id} action="terminal.split-below" icon={<IconBorderHorizontal size={16} aria-hidden />} disabled={!canOpen}>
        Split: below
      </Item>
      <Item id={id} action="terminal.broadcast" icon={<IconAccessPoint size={16} aria-hidden />}>
        {isBroadcasting ? "End broadcast" : "Broadcast"}
      </Item>
      <Item id={id} action="terminal.window" icon={<IconAppWindow size={16} aria-hidden />} disabled={!canMove}>
        {isElsewhere ? "Show its window" : "Open in its own window"}
      </Item>
      <TextItems id={id} />
      <Item id={id} action="terminal.rename" icon={<IconPencil size={16} aria-hidden />}>
        Rename the tab
      </Item>
      <Item id={id} action="terminal.close" icon={<IconX size={16} aria-hidden />}>
        Close
      </Item>
    </>
  );
}

/** What is done with the text of a terminal, wherever that is shown. */
function TextItems({ id }: { id: string }) {
  return (
    <>
      <Item id={id} action="terminal.save" icon={<IconDeviceFloppy size={16} aria-hidden />}>
        Save the text
      </Item>
      <UploadItem id={id} />
      <Item id={id} action="terminal.clear" icon={<IconEraser size={16} aria-hidden />}>
        Clear
      </Item>
    </>
  );
}

/** What is done with a terminal that has a window of its own. */
export function OwnWindowItems({ id }: { id: string }) {
  return (
    <>
      <Item id={id} action="terminal.search" icon={<IconSearch size={16} aria-hidden />}>
        Search
      </Item>
      <TextItems id={id} />
      <Item id={id} action="terminal.window" icon={<IconArrowBackUp size={16} aria-hidden />}>
        Back to the app's window
      </Item>
      <Item id={id} action="terminal.close" icon={<IconX size={16} aria-hidden />}>
        Close
      </Item>
    </>
  );
}

/** What dropping files does, for those who have no mouse. */
function UploadItem({ id }: { id: string }) {
  const client = useClient();
  const isOpenShell = useTerminals(({ terminals }) => {
    const info = terminals.get(id);
    return info?.status.state === "open" && info.kind.type === "shell";
  });
  const choose = () => {
    const field = document.createElement("input");
    field.type = "file";
    field.multiple = true;
    field.addEventListener("change", () => void uploadFiles(client, id, [...(field.files ?? [])]));
    field.click();
  };
  return (
    <Menu.Item leftSection={<IconUpload size={16} aria-hidden />} disabled={!isOpenShell} onClick={choose}>
      Upload files into its folder…
    </Menu.Item>
  );
}

type ItemProps = { id: string; action: ShortcutAction; icon?: ReactNode; disabled?: boolean; children: ReactNode };

function Item({ id, action, icon, disabled, children }: ItemProps) {
  const client = useClient();
  return (
    <Menu.Item
      leftSection={icon}
      rightSection={<span className="menu-keys">{useKeys(action)}</span>}
      disabled={disabled}
      onClick={() => {
        runTerminalAction(client, id, action);
        focusAfterMenu(id);
      }}
    >
      {children}
    </Menu.Item>
  );
}

/** The keyboard goes on in the terminal, unless what was chosen has a field of its own. */
function focusAfterMenu(id: string) {
  requestAnimationFrame(() => {
    const { searched, renamed } = usePaneState.getState();
    if (searched === undefined && renamed === undefined && document.querySelector("[role=dialog]") === null)
      drawnTerminal(id)?.xterm.focus();
  });
}

function useKeys(action: ShortcutAction): string {
  const changed = useSettings(({ shortcuts }) => shortcuts);
  return keyNames(keysOf(action, changed)).join(" ");
}
