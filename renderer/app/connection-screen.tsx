import { Button, Loader, Stack, Text, Title } from "@mantine/core";
import { IconBrowser, IconLink, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Disconnection } from "../backend/connect.ts";
import { openConnection } from "../state/connection.ts";

type Screen = { icon: ReactNode; title: string; body: string; action?: string };

const screens: Record<Disconnection, Screen> = {
  lost: {
    icon: <IconPlugConnectedX size={48} stroke={1.2} aria-hidden />,
    title: "There is no connection to LXC Desktop",
    body: "The app has ended, or this page cannot reach it. Start it again with npm start, or from your applications; containers go on running.",
    action: "Try again",
  },
  "taken-over": {
    icon: <IconBrowser size={48} stroke={1.2} aria-hidden />,
    title: "LXC Desktop is open in another tab",
    body: "One page shows the app at a time. Use it here, and the other one rests.",
    action: "Use it here",
  },
  refused: {
    icon: <IconLink size={48} stroke={1.2} aria-hidden />,
    title: "This address was used already, or is too old",
    body: "Each address works once and for 30 seconds, so that nobody else can use it. In the terminal where LXC Desktop runs, press Enter for a new address, or start the app again.",
  },
};

/** Shown instead of the app while there is no way to its host. */
export function ConnectionScreen({ status }: { status: "connecting" | "connected" | Disconnection }) {
  if (status === "connecting" || status === "connected") {
    return (
      <main className="full-screen" role="status">
        <Loader aria-hidden />
        <Text>Connecting…</Text>
      </main>
    );
  }
  const { icon, title, body, action } = screens[status];
  return (
    <main className="full-screen">
      <Stack align="center" gap="sm" maw={520}>
        {icon}
        <Title order={1} size="h3" ta="center">
          {title}
        </Title>
        <Text ta="center">{body}</Text>
        {action && <Button onClick={() => void openConnection()}>{action}</Button>}
      </Stack>
    </main>
  );
}
