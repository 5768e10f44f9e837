import type { ITheme } from "@xterm/xterm";
import type { TerminalTheme } from "../../../privileged-helper/contract/terminal-settings.ts";

/** Colours by number: 0 to 7, and then their bright ones. */
const colours = (...all: string[]): ITheme => {
  const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
  return Object.fromEntries(
    all.map((colour, index) => {
      const name = names[index % 8] ?? "";
      return [index < 8 ? name : `bright${name[0]?.toUpperCase()}${name.slice(1)}`, colour];
    }),
  );
};

const appLight: ITheme = {
  background: "#ffffff",
  foreground: "#1f2226",
  cursor: "#1f2226",
  selectionBackground: "#b5e3d8",
  ...colours("#1f2226", "#b42318", "#096b48", "#7a5b00", "#1864ab", "#862e9c", "#0b5f73", "#5c636a"),
  ...{ brightBlack: "#495057", brightRed: "#b42318", brightGreen: "#096b48", brightYellow: "#7a5b00" },
  ...{ brightBlue: "#1864ab", brightMagenta: "#862e9c", brightCyan: "#0b5f73", brightWhite: "#343a40" },
};
const appDark: ITheme = { background: "#121416", foreground: "#e6e9ec", cursor: "#e6e9ec", selectionBackground: "#2b5d53" };

/** Sources: each scheme's own published values (ethanschoonover.com/solarized, github.com/morhetz/gruvbox, nordtheme.com, draculatheme.com). */
const themes: Record<Exclude<TerminalTheme, "app">, ITheme> = {
  "high-contrast-dark": {
    background: "#000000",
    foreground: "#ffffff",
    cursor: "#ffff00",
    selectionBackground: "#ffffff",
    selectionForeground: "#000000",
    ...colours("#000000", "#ff6b6b", "#5cff5c", "#ffff5c", "#7cb8ff", "#ff8cff", "#5cffff", "#ffffff"),
    ...{ brightBlack: "#b8b8b8", brightRed: "#ff9c9c", brightGreen: "#9cff9c", brightYellow: "#ffff9c" },
    ...{ brightBlue: "#b0d4ff", brightMagenta: "#ffbaff", brightCyan: "#9cffff", brightWhite: "#ffffff" },
  },
  "high-contrast-light": {
    background: "#ffffff",
    foreground: "#000000",
    cursor: "#000000",
    selectionBackground: "#000000",
    selectionForeground: "#ffffff",
    ...colours("#000000", "#8b0000", "#004d00", "#4d3b00", "#00008b", "#660066", "#004d55", "#333333"),
    ...{ brightBlack: "#404040", brightRed: "#8b0000", brightGreen: "#004d00", brightYellow: "#4d3b00" },
    ...{ brightBlue: "#00008b", brightMagenta: "#660066", brightCyan: "#004d55", brightWhite: "#000000" },
  },
  "solarized-dark": {
    background: "#002b36",
    foreground: "#93a1a1",
    cursor: "#93a1a1",
    selectionBackground: "#0b5566",
    ...solarized(),
  },
  "solarized-light": {
    background: "#fdf6e3",
    foreground: "#586e75",
    cursor: "#586e75",
    selectionBackground: "#d9d2bf",
    ...solarized(),
  },
  "gruvbox-dark": {
    background: "#282828",
    foreground: "#ebdbb2",
    cursor: "#ebdbb2",
    selectionBackground: "#665c54",
    ...colours("#282828", "#cc241d", "#98971a", "#d79921", "#458588", "#b16286", "#689d6a", "#a89984"),
    ...{ brightBlack: "#928374", brightRed: "#fb4934", brightGreen: "#b8bb26", brightYellow: "#fabd2f" },
    ...{ brightBlue: "#83a598", brightMagenta: "#d3869b", brightCyan: "#8ec07c", brightWhite: "#ebdbb2" },
  },
  nord: {
    background: "#2e3440",
    foreground: "#d8dee9",
    cursor: "#d8dee9",
    selectionBackground: "#4c566a",
    ...colours("#3b4252", "#bf616a", "#a3be8c", "#ebcb8b", "#81a1c1", "#b48ead", "#88c0d0", "#e5e9f0"),
    ...{ brightBlack: "#4c566a", brightRed: "#bf616a", brightGreen: "#a3be8c", brightYellow: "#ebcb8b" },
    ...{ brightBlue: "#81a1c1", brightMagenta: "#b48ead", brightCyan: "#8fbcbb", brightWhite: "#eceff4" },
  },
  dracula: {
    background: "#282a36",
    foreground: "#f8f8f2",
    cursor: "#f8f8f2",
    selectionBackground: "#44475a",
    ...colours("#21222c", "#ff5555", "#50fa7b", "#f1fa8c", "#bd93f9", "#ff79c6", "#8be9fd", "#f8f8f2"),
    ...{ brightBlack: "#6272a4", brightRed: "#ff6e6e", brightGreen: "#69ff94", brightYellow: "#ffffa5" },
    ...{ brightBlue: "#d6acff", brightMagenta: "#ff92df", brightCyan: "#a4ffff", brightWhite: "#ffffff" },
  },
};

/** @param scheme The app's own. */
export function terminalTheme(theme: TerminalTheme, scheme: "light" | "dark"): ITheme {
  if (theme === "app") return scheme === "dark" ? appDark : appLight;
  return themes[theme];
}

/** Colours that could not be read are made darker or lighter (WCAG 2.2: 4.5 is AA, 7 is AAA). */
export function minimumContrast(theme: TerminalTheme): number {
  return theme.startsWith("high-contrast") ? 7 : 4.5;
}

function solarized(): ITheme {
  return {
    ...colours("#073642", "#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198", "#eee8d5"),
    ...{ brightBlack: "#586e75", brightRed: "#cb4b16", brightGreen: "#859900", brightYellow: "#b58900" },
    ...{ brightBlue: "#268bd2", brightMagenta: "#6c71c4", brightCyan: "#2aa198", brightWhite: "#fdf6e3" },
  };
}
