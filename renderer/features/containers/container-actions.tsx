import { ActionIcon, Button, Group, Menu, Tooltip } from "@mantine/core";
import {
  IconCopyPlus,
  IconDots,
  IconFlask,
  IconPhotoPlus,
  IconPin,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlugConnectedX,
  IconRefresh,
  IconSnowflakeOff,
  IconTrash,
} from "@tabler/icons-react";
import { type ReactNode, useRef, useState } from "react";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useIsLive } from "../../state/live.ts";
import { type Action, actionLabel, actionsFor, actionVerbs, performAction, reasonAgainst } from "./actions.ts";

const icons: Record<Action, ReactNode> = {
  start: <IconPlayerPlay size={16} aria-hidden />,
  stop: <IconPlayerStop size={16} aria-hidden />,
  restart: <IconRefresh size={16} aria-hidden />,
  freeze: <IconPlayerPause size={16} aria-hidden />,
  unfreeze: <IconSnowflakeOff size={16} aria-hidden />,
  "force-stop": <IconPlugConnectedX size={16} aria-hidden />,
  try: <IconFlask size={16} aria-hidden />,
  keep: <IconPin size={16} aria-hidden />,
  clone: <IconCopyPlus size={16} aria-hidden />,
  "save-image": <IconPhotoPlus size={16} aria-hidden />,
  destroy: <IconTrash size={16} aria-hidden />,
};

/** There is no room for them in a row; a clone is made from the dialog, too. */
const onlyOnPage: ReadonlySet<Action> = new Set(["clone", "save-image"]);
/** For these there is in a wide one (styles.css). */
const onlyInWideRow: ReadonlySet<Action> = new Set(["try", "keep"]);

/** What can be done with a container: icons in a row of the table, words on its own page, a menu where space is short. */
export function ContainerActions({ container, layout }: { container: Container; layout: "row" | "page" | "menu" }) {
  const client = useClient();
  const isLive = useIsLive();
  const { name } = container;
  const actions = actionsFor(container).map((action) => ({
    action,
    label: actionLabel(action, name),
    reason: isLive ? reasonAgainst(action, container) : "There is no connection to the helper.",
    run: () => void performAction(client, action, name),
  }));

  if (layout === "menu") return <ActionsMenu name={name} actions={actions} />;

  if (layout === "row") {
    return (
      <div className="row-actions">
        {actions
          .filter(({ action }) => !onlyOnPage.has(action))
          .map(({ action, label, reason, run }) => (
            <button
              key={action}
              type="button"
              className={classOfIcon(action)}
              data-hint={reason === undefined ? label : `${label}: ${reason}`}
              {...buttonState(label, reason, run)}
            >
              {icons[action]}
            </button>
          ))}
      </div>
    );
  }
  return (
    <Group gap={6}>
      {actions.map(({ action, label, reason, run }) => (
        <Tooltip key={action} label={reason === undefined ? label : `${label}: ${reason}`} openDelay={400} withinPortal>
          <Button
            variant={action === "start" ? "filled" : "default"}
            size="xs"
            leftSection={icons[action]}
            className={action === "destroy" ? "dangerous" : undefined}
            data-disabled={reason !== undefined || undefined}
            {...buttonState(label, reason, run)}
          >
            {actionVerbs[action]}
          </Button>
        </Tooltip>
      ))}
    </Group>
  );
}

type OfferedAction = { action: Action; label: string; reason: string | undefined; run(): void };

/** Made when it is opened first: hundreds of menus that nobody opens would take megabytes. */
function ActionsMenu({ name, actions }: { name: string; actions: readonly OfferedAction[] }) {
  const [isOpen, setIsOpen] = useState<boolean>();
  const target = useRef<HTMLButtonElement>(null);
  const button = { variant: "subtle", color: "gray", "aria-label": `Actions for ${name}`, children: <IconDots size={18} aria-hidden /> };
  if (isOpen === undefined) {
    return <ActionIcon {...button} aria-haspopup="menu" aria-expanded={false} onClick={() => setIsOpen(true)} />;
  }
  return (
    <Menu
      opened={isOpen}
      onChange={setIsOpen}
      // The button that had the focus when it was made is another one.
      onClose={() => target.current?.focus()}
      returnFocus={false}
      position="bottom-end"
      withinPortal
      portalProps={{ target: "#main" }}
      withInitialFocusPlaceholder={false}
      shadow="md"
    >
      <Menu.Target>
        <ActionIcon {...button} ref={target} />
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map(({ action, label, reason, run }) => (
          <Menu.Item
            key={action}
            leftSection={icons[action]}
            disabled={reason !== undefined}
            className={action === "destroy" && reason === undefined ? "dangerous" : undefined}
            onClick={run}
          >
            {label}
            {reason !== undefined && <span className="menu-reason">{reason}</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function classOfIcon(action: Action): string {
  if (action === "destroy") return "icon-button dangerous";
  return onlyInWideRow.has(action) ? "icon-button in-wide-row" : "icon-button";
}

/** Disabled for everybody, but still there for the keyboard, so that the reason can be read. */
function buttonState(label: string, reason: string | undefined, run: () => void) {
  return {
    "aria-label": label,
    "aria-disabled": reason !== undefined || undefined,
    "aria-description": reason,
    onClick: reason === undefined ? run : undefined,
  } as const;
}
