import { Alert, createTheme, DEFAULT_THEME, type MantineColorsTuple, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { Suspense, useEffect } from "react";
import { Router } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { ownTerminal } from "../backend/own-terminal.ts";
import { useConnection } from "../state/connection.ts";
import { useDialogs } from "../state/dialogs.ts";
import { useSettings } from "../state/settings.ts";
import { ConnectionScreen } from "./connection-screen.tsx";
import { TerminalWindowPage } from "./later-parts.ts";
import { Shell } from "./shell.tsx";

const alertTones: Record<string, string> = { red: "var(--danger)", orange: "var(--warning)", yellow: "var(--warning)" };

const theme = createTheme({
  primaryColor: "teal",
  // The darkest shade has enough contrast under white text, and as text on the palest one.
  primaryShade: 9,
  colors: { teal: [...DEFAULT_THEME.colors.teal.slice(0, 9), "#07694c"] as unknown as MantineColorsTuple },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // Calm in both themes: the tone is in the frame, the icon and the title.
    Alert: Alert.extend({
      vars: (_, { color }) => {
        const tone = alertTones[String(color)] ?? "var(--muted)";
        return {
          root: {
            "--alert-bg": `color-mix(in srgb, ${tone} 9%, var(--surface))`,
            "--alert-bd": `1px solid color-mix(in srgb, ${tone} 45%, var(--surface))`,
            "--alert-color": tone,
          },
        };
      },
    }),
  },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Mono', 'Noto Sans Mono', 'DejaVu Sans Mono', monospace",
});

/** By itself, the shade of a button under the pointer would be a lighter one, on which its white text cannot be read well. */
const hoverShade = { "--mantine-primary-color-filled-hover": "#055a41", "--mantine-color-teal-filled-hover": "#055a41" };
const cssVariables = () => ({ variables: {}, light: hoverShade, dark: hoverShade });

export function App() {
  const themeChoice = useSettings(({ theme }) => theme);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      forceColorScheme={themeChoice === "system" ? undefined : themeChoice}
    >
      <Router hook={useHashLocation}>
        <Content />
        <Toasts />
      </Router>
    </MantineProvider>
  );
}

/** Out of the way of a dialog's buttons. */
function Toasts() {
  const isDialogOpen = useDialogs(({ dialog }) => dialog !== undefined);
  const className = isDialogOpen ? "toasts-above" : undefined;
  return <Notifications position="bottom-right" className={className} limit={4} containerWidth={440} notificationMaxHeight={560} />;
}

/** The app, or why it cannot be shown. What was shown before stays when the connection is lost. */
function Content() {
  const { status, client } = useConnection();
  useEffect(() => {
    document.documentElement.lang = "en";
  }, []);
  if (client && (status === "connected" || status === "connecting" || status === "lost")) {
    const isConnected = status === "connected";
    if (ownTerminal === undefined) return <Shell isConnected={isConnected} />;
    return (
      <Suspense fallback={<ConnectionScreen status="connecting" />}>
        <TerminalWindowPage isConnected={isConnected} />
      </Suspense>
    );
  }
  return <ConnectionScreen status={status} />;
}
