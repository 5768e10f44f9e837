import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { SerializeAddon } from "@xterm/addon-serialize";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { type ITerminalOptions, Terminal } from "@xterm/xterm";
import type { TerminalSettings } from "../../../privileged-helper/contract/terminal-settings.ts";
import { useSettings } from "../../state/settings.ts";
import { updateTerminal, useTerminals } from "../../state/terminals.ts";
import { createGraphicsBudget } from "./graphics-budget.ts";
import { cleanPaste, cleanTitle, linesOf, parseClipboardRequest, realAddress } from "./hostile-text.ts";
import { ring, showLink } from "./pane-state.ts";
import { ask } from "./questions.ts";
import { limitSequences } from "./sequence-limits.ts";
import { minimumContrast, terminalTheme } from "./terminal-themes.ts";
import { measureGraphemes } from "./unicode-widths.ts";

/** A terminal as it is drawn. It lives on while it is out of sight: then it takes in what comes, and draws nothing. */
export type LiveTerminal = {
  readonly xterm: Terminal;
  readonly search: SearchAddon;
  /** Puts it into the page, in its size. */
  show(frame: HTMLElement, onKeys: KeyHandler): void;
  hide(): void;
  /** Settles when it has the size that it will have: in a split that is known only once its parts are laid out. */
  settled(): Promise<void>;
  /** Puts a text in as if it was typed, after asking where it is several lines. */
  paste(text: string): void;
  copySelection(): void;
  /** Makes it as it was when this text was made of it. */
  restore(size: { columns: number; rows: number }, text: Uint8Array, isMissing: boolean): void;
  /** All that it shows, and so many lines of what was scrolled away, as text that shows the same. */
  serialize(scrollbackLines: number | undefined): { text: string; columns: number; rows: number };
  /** Makes it as it was at the beginning, but for its text: what ran in it may have left anything. */
  calm(): void;
  dispose(): void;
};

/** @returns Whose these keys are. */
type KeyHandler = (event: KeyboardEvent) => "app" | "browser" | "terminal";

type Handlers = {
  /** What goes to the program: keys, and also what the terminal answers by itself. */
  onInput(bytes: Uint8Array): void;
  /** What the person has typed or pasted, and nothing else. */
  onTyped(text: string): void;
  onPasted(text: string): void;
  onResized(columns: number, rows: number): void;
};

const graphics = createGraphicsBudget();
const encoder = new TextEncoder();
const titleMilliseconds = 100;
const longestFrameMilliseconds = 100;
const systemFont = "ui-monospace, 'Cascadia Mono', 'Noto Sans Mono', 'DejaVu Sans Mono', monospace";

/** Whether the app's own theme is dark just now. */
const scheme = () => (document.documentElement.dataset.mantineColorScheme === "dark" ? "dark" : "light");

export function createLiveTerminal(id: string, { onInput, onTyped, onPasted, onResized }: Handlers): LiveTerminal {
  const xterm = new Terminal({
    ...optionsOf(useSettings.getState().terminal),
    // For the widths of emoji, and the marks of what was found.
    allowProposedApi: true,
    // Nothing that a program writes moves or measures the window, or reads its title (xterm's windowOps).
    windowOptions: {},
    linkHandler: {
      allowNonHttpProtocols: false,
      activate: (_event, link) => followLink(link),
      hover: (_event, link) => showLink(id, realAddress(link)?.href),
      leave: () => showLink(id, undefined),
    },
  });
  const fit = new FitAddon();
  const search = new SearchAddon({ highlightLimit: 1_000 });
  xterm.loadAddon(fit);
  const serializer = new SerializeAddon();
  xterm.loadAddon(search);
  xterm.loadAddon(serializer);
  measureGraphemes(xterm);
  xterm.loadAddon(
    new WebLinksAddon((_event, link) => followLink(link), {
      hover: (_event, link) => showLink(id, realAddress(link)?.href),
      leave: () => showLink(id, undefined),
    }),
  );
  const element = document.createElement("div");
  element.className = "terminal-element";

  xterm.onData((text) => onInput(encoder.encode(text)));
  xterm.onBinary((text) => onInput(Uint8Array.from(text, (character) => character.charCodeAt(0))));
  xterm.onKey(({ key }) => onTyped(key));
  xterm.onResize(({ cols, rows }) => onResized(cols, rows));
  xterm.onBell(() => {
    if (useSettings.getState().terminal.bell === "none") return;
    if (element.clientWidth > 0) ring(id);
    else if (useTerminals.getState().terminals.get(id)?.hasRung === false) updateTerminal(id, { hasRung: true });
  });
  limitSequences(xterm.parser);
  const stopTitles = followTitles(xterm, id);
  xterm.parser.registerOscHandler(52, (data) => {
    const info = useTerminals.getState().terminals.get(id);
    const request = parseClipboardRequest(data);
    // The first one stays until it is answered: what a person looks at must not be another text when they agree.
    if (request.type === "write" && info && info.clipboardText === undefined && !info.refusesClipboard) {
      updateTerminal(id, { clipboardText: request.text });
    }
    return true;
  });
  let onKeys: KeyHandler = () => "terminal";
  xterm.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") return true;
    const whose = onKeys(event);
    if (whose === "app") {
      event.preventDefault();
      event.stopPropagation();
    }
    return whose === "terminal";
  });
  const copySelection = () => {
    // An empty selection must not empty the clipboard.
    if (xterm.hasSelection()) void navigator.clipboard.writeText(xterm.getSelection()).catch(() => {});
  };
  element.addEventListener("mouseup", () => {
    if (useSettings.getState().terminal.copyOnSelect) setTimeout(copySelection);
  });
  const paste = (text: string) => {
    const clean = cleanPaste(text);
    if (clean === "" || xterm.options.disableStdin) return;
    const put = () => {
      xterm.paste(clean);
      onPasted(clean);
      xterm.focus();
    };
    if (needsWarning(clean, useSettings.getState().terminal, xterm.modes.bracketedPasteMode))
      ask({ type: "paste", text: clean, paste: put });
    else put();
  };
  // Before the terminal's own: it would ask nothing.
  element.addEventListener(
    "paste",
    (event) => {
      event.preventDefault();
      event.stopPropagation();
      paste(event.clipboardData?.getData("text/plain") ?? "");
    },
    { capture: true },
  );
  element.addEventListener("compositionend", ({ data }) => onTyped(data));

  let drawn: WebglAddon | undefined;
  const draw = (may: boolean) => {
    drawn?.dispose();
    drawn = may ? drawWithGraphics(xterm, () => (drawn = undefined)) : undefined;
  };
  let isRestoring = false;
  const fitNow = () => {
    // A hidden frame has no size; what is shown is fitted to it.
    if (element.clientWidth === 0 || element.clientHeight === 0) return graphics.hide(id);
    graphics.show(id, draw);
    if (!isRestoring) fit.fit();
    if (useTerminals.getState().terminals.get(id)?.hasRung) updateTerminal(id, { hasRung: false });
  };
  const sizes = new ResizeObserver(fitNow);
  const apply = () => {
    Object.assign(xterm.options, optionsOf(useSettings.getState().terminal));
    element.style.background = xterm.options.theme?.background ?? "";
    fitNow();
  };
  apply();
  const stopSettings = useSettings.subscribe(({ terminal }, before) => terminal !== before.terminal && apply());
  const schemes = new MutationObserver(apply);
  schemes.observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });

  return {
    xterm,
    search,
    paste,
    copySelection,
    show(frame, handler) {
      onKeys = handler;
      frame.append(element);
      if (!xterm.element) xterm.open(element);
      sizes.observe(element);
      fitNow();
    },
    hide() {
      sizes.unobserve(element);
      graphics.hide(id);
      element.remove();
      showLink(id, undefined);
    },
    async settled() {
      if (element.closest(".terminal-split") === null) return;
      // In a page that is out of sight there is no next frame.
      await new Promise<void>((resolve) => {
        requestAnimationFrame(() => resolve());
        setTimeout(resolve, longestFrameMilliseconds);
      });
      fitNow();
    },
    restore({ columns, rows }, text, isMissing) {
      isRestoring = true;
      xterm.reset();
      xterm.resize(columns, rows);
      xterm.write(text);
      if (isMissing) xterm.write("\x1b[0m\r\n\x1b[2m[What came before this is not kept any more.]\x1b[0m\r\n");
      xterm.write("", () => {
        isRestoring = false;
        fitNow();
      });
    },
    serialize: (scrollback) => ({ text: serializer.serialize({ scrollback }), columns: xterm.cols, rows: xterm.rows }),
    calm() {
      // Out of the other screen, which would else put the cursor somewhere; no mouse, no brackets; and usual keys and colours (DECSTR).
      const leave = xterm.buffer.active.type === "alternate" ? "\x1b[?1049l" : "";
      xterm.write(
        `${leave}\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b>\x1b[!p\x1b[0m\x1b[?25h\r\n`,
      );
    },
    dispose() {
      stopSettings();
      stopTitles();
      schemes.disconnect();
      sizes.disconnect();
      graphics.hide(id);
      element.remove();
      xterm.dispose();
    },
  };
}

function optionsOf(settings: TerminalSettings): ITerminalOptions {
  return {
    fontFamily: settings.fontFamily.trim() === "" ? systemFont : `${settings.fontFamily}, ${systemFont}`,
    fontSize: settings.fontSize,
    lineHeight: settings.lineHeight,
    cursorStyle: settings.cursorStyle,
    cursorBlink: settings.cursorBlink,
    scrollback: settings.scrollbackLines,
    theme: terminalTheme(settings.theme, scheme()),
    minimumContrastRatio: minimumContrast(settings.theme),
    // No browser tells whether there is a screen reader; one that finds no text would be left with nothing.
    screenReaderMode: settings.screenReader !== "off",
    macOptionIsMeta: false,
    rightClickSelectsWord: false,
  };
}

/** Faster where there is a graphics processor; elsewhere, and when it goes away, the terminal draws itself without. */
function drawWithGraphics(xterm: Terminal, onLost: () => void): WebglAddon | undefined {
  try {
    const addon = new WebglAddon();
    addon.onContextLoss(() => {
      addon.dispose();
      onLost();
    });
    xterm.loadAddon(addon);
    return addon;
  } catch {
    return undefined;
  }
}

/** A program may set its title thousands of times a second. @returns A function that ends it. */
function followTitles(xterm: Terminal, id: string): () => void {
  let newest: string | undefined;
  let timer: number | undefined;
  xterm.onTitleChange((title) => {
    newest = title;
    timer ??= window.setTimeout(() => {
      timer = undefined;
      const programTitle = cleanTitle(newest ?? "") || undefined;
      if (useTerminals.getState().terminals.get(id)?.programTitle !== programTitle) updateTerminal(id, { programTitle });
    }, titleMilliseconds);
  });
  return () => clearTimeout(timer);
}

function needsWarning(text: string, { pasteWarning }: TerminalSettings, isBracketed: boolean): boolean {
  if (linesOf(text).length < 2 && !/[\r\n]$/.test(text)) return false;
  return pasteWarning === "always" || (pasteWarning === "unless-bracketed" && !isBracketed);
}

/** A link may say one thing and lead to another, so the address is shown first. */
function followLink(link: string) {
  const address = realAddress(link);
  if (address) ask({ type: "link", address });
}
