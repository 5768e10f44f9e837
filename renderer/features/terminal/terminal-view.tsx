import "@xterm/xterm/css/xterm.css";
import { useComputedColorScheme } from "@mantine/core";
import { FitAddon } from "@xterm/addon-fit";
import { WebglAddon } from "@xterm/addon-webgl";
import { type ITheme, Terminal } from "@xterm/xterm";
import { useEffect, useRef } from "react";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { createParsedCounter } from "../../../privileged-helper/wire/credit.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { useSession } from "../../state/session.ts";

const themes: Record<"light" | "dark", ITheme> = {
  light: {
    background: "#ffffff",
    foreground: "#1f2226",
    cursor: "#1f2226",
    selectionBackground: "#b5e3d8",
    black: "#1f2226",
    white: "#5c636a",
    brightBlack: "#495057",
    brightWhite: "#343a40",
    yellow: "#7a5b00",
    brightYellow: "#7a5b00",
    green: "#096b48",
    brightGreen: "#096b48",
    cyan: "#0b5f73",
    brightCyan: "#0b5f73",
    blue: "#1864ab",
    brightBlue: "#1864ab",
    red: "#b42318",
    brightRed: "#b42318",
    magenta: "#862e9c",
    brightMagenta: "#862e9c",
  },
  dark: { background: "#121416", foreground: "#e6e9ec", cursor: "#e6e9ec", selectionBackground: "#2b5d53" },
};
const scrollbackLines = 5_000;

type Props = { name: string; onEnded(why: { problem: Problem } | { sentence: string }): void };

/** The terminal itself. What is written inside a container is not to be trusted: nothing of it may act on the page. */
export function TerminalView({ name, onEnded }: Props) {
  const client = useClient();
  const scheme = useComputedColorScheme("light");
  const frame = useRef<HTMLDivElement>(null);
  const shown = useRef<Terminal>(undefined);
  const isLost = useSession(({ session }) => session.state !== "ready");

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const { terminal, dispose } = openTerminal(client, name, element, onEnded);
    shown.current = terminal;
    return () => {
      shown.current = undefined;
      dispose();
    };
  }, [client, name, onEnded]);
  useEffect(() => {
    if (shown.current) shown.current.options.theme = themes[scheme];
  }, [scheme]);
  useEffect(() => {
    if (isLost) onEnded({ sentence: "The helper has ended, and the shell with it. Its text stays here." });
  }, [isLost, onEnded]);

  return <div ref={frame} className="terminal-box" />;
}

function openTerminal(client: Client, name: string, element: HTMLElement, onEnded: Props["onEnded"]) {
  const terminal = new Terminal({
    scrollback: scrollbackLines,
    // Screen readers get the text as rows; it costs little.
    screenReaderMode: true,
    fontFamily: "ui-monospace, 'Cascadia Mono', 'Noto Sans Mono', 'DejaVu Sans Mono', monospace",
    fontSize: 13,
    theme: themes[document.documentElement.dataset.mantineColorScheme === "dark" ? "dark" : "light"],
    allowProposedApi: false,
    linkHandler: { allowNonHttpProtocols: false, activate: (_event, address) => followLink(address) },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element);
  drawWithGraphics(terminal);
  fit.fit();
  keepClipboardKeys(terminal);

  let isGone = false;
  let channel: number | undefined;
  let connection: { send(bytes: Uint8Array): void; close(): void } | undefined;
  const encoder = new TextEncoder();
  const countParsed = createParsedCounter((total) => {
    if (channel !== undefined) client.acknowledge(channel, total);
  });
  terminal.onData((text) => connection?.send(encoder.encode(text)));
  terminal.onBinary((text) => connection?.send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
  terminal.onResize(({ cols: columns, rows }) => {
    if (channel !== undefined) client.call("terminal.resize", { channel, columns, rows }).catch(() => {});
  });
  const stopListening = client.on("terminal.exited", (exited) => {
    if (exited.channel !== channel) return;
    end();
    onEnded({ sentence: exited.signal ? `The shell was ended by signal ${exited.signal}.` : "The shell has ended." });
  });
  const end = () => {
    connection?.close();
    connection = undefined;
    channel = undefined;
    terminal.options.disableStdin = true;
    terminal.options.cursorBlink = false;
  };

  client.call("terminal.open", { name, columns: terminal.cols, rows: terminal.rows }).then(
    (opened) => {
      if (isGone) return void client.call("terminal.close", { channel: opened.channel }).catch(() => {});
      channel = opened.channel;
      connection = client.openChannel(opened.channel, (bytes) => terminal.write(bytes, () => countParsed(bytes.length)));
      terminal.focus();
    },
    (error) => {
      if (!isGone) onEnded({ problem: toProblem(error) });
    },
  );

  // A hidden tab has no size; what is shown is fitted to its frame.
  const observer = new ResizeObserver(() => {
    if (element.clientWidth > 0 && element.clientHeight > 0) fit.fit();
  });
  observer.observe(element);

  return {
    terminal,
    dispose() {
      isGone = true;
      observer.disconnect();
      stopListening();
      if (channel !== undefined) client.call("terminal.close", { channel }).catch(() => {});
      end();
      terminal.dispose();
    },
  };
}

/** Faster where there is a graphics processor; elsewhere, and when it goes away, the terminal draws itself without. */
function drawWithGraphics(terminal: Terminal) {
  try {
    const addon = new WebglAddon();
    addon.onContextLoss(() => addon.dispose());
    terminal.loadAddon(addon);
  } catch {
    // Drawn with elements instead.
  }
}

/** Ctrl+C belongs to the shell, so copying and pasting have Shift with them, as in other terminals. */
function keepClipboardKeys(terminal: Terminal) {
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
    if (event.code === "KeyC" && terminal.hasSelection()) {
      void navigator.clipboard.writeText(terminal.getSelection());
      event.preventDefault();
      return false;
    }
    // The browser pastes by itself, into the terminal's own field.
    return event.code !== "KeyV";
  });
}

/** A link may say one thing and lead to another, so the address is shown first. */
function followLink(address: string) {
  if (!URL.canParse(address)) return;
  const { protocol, href } = new URL(address);
  if ((protocol === "https:" || protocol === "http:") && confirm(`Open this address in the browser?\n\n${href}`)) {
    open(href, "_blank", "noopener,noreferrer");
  }
}
