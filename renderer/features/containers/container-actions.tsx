import { ActionIcon, Button, Group, Menu, Tooltip } from "@mantine/core";
import {
  IconCopyPlus,
  IconDots,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlugConnectedX,
  IconRefresh,
  IconSnowflakeOff,
  IconTrash,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { useIsLive } from "../../state/live.ts";
import { type Action, actionsFor, actionVerbs, performAction, reasonAgainst } from "./actions.ts";

const icons: Record<Action, ReactNode> = {
  start: <IconPlayerPlay size={16} aria-hidden />,
  stop: <IconPlayerStop size={16} aria-hidden />,
  restart: <IconRefresh size={16} aria-hidden />,
  freeze: <IconPlayerPause size={16} aria-hidden />,
  unfreeze: <IconSnowflakeOff size={16} aria-hidden />,
  "force-stop": <IconPlugConnectedX size={16} aria-hidden />,
  clone: <IconCopyPlus size={16} aria-hidden />,
  destroy: <IconTrash size={16} aria-hidden />,
};

/** What can be done with a container: icons in a row of the table, words on its own page, a menu where space is short. */
export function ContainerActions({ container, layout }: { container: Container; layout: "row" | "page" | "menu" }) {
  const client = useClient();
  const isLive = useIsLive();
  const { name } = container;
  const actions = actionsFor(container).map((action) => ({
    action,
    label: `${actionVerbs[action]} ${name}`,
    reason: isLive ? reasonAgainst(action, container) : "There is no connection to the helper.",
    run: () => void performAction(client, action, name),
  }));

  if (layout === "menu") {
    return (
      <Menu position="bottom-end" withinPortal portalProps={{ target: "#main" }} withInitialFocusPlaceholder={false} shadow="md">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
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

  return (
    <Group gap={layout === "row" ? 2 : 6} wrap={layout === "row" ? "nowrap" : "wrap"}>
      {actions.map(({ action, label, reason, run }) => {
        // Disabled for everybody, but still there for the keyboard, so that the reason can be read.
        const common = {
          "aria-label": label,
          "aria-disabled": reason !== undefined || undefined,
          "data-disabled": reason !== undefined || undefined,
          onClick: reason === undefined ? run : (event: React.MouseEvent) => event.preventDefault(),
        } as const;
        return (
          <Tooltip key={action} label={reason === undefined ? label : `${label}: ${reason}`} openDelay={400} withinPortal>
            {layout === "row" ? (
              <ActionIcon variant="subtle" color={action === "destroy" ? "red" : "gray"} {...common}>
                {icons[action]}
              </ActionIcon>
            ) : (
              <Button
                variant={action === "start" ? "filled" : "default"}
                size="xs"
                leftSection={icons[action]}
                className={action === "destroy" ? "dangerous" : undefined}
                {...common}
              >
                {actionVerbs[action]}
              </Button>
            )}
          </Tooltip>
        );
      })}
    </Group>
  );
}
