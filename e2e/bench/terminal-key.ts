import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Browser, chromium, type Page } from "@playwright/test";
import { build } from "esbuild";
import { addressOf } from "../app/web-host.ts";
import { type Figure, median, milliseconds } from "./figures.ts";

const keys = 40;
/** At 60 Hz. */
const frameMilliseconds = 1000 / 60;
const moreMilliseconds = 2;

/**
 * From a key to its letter on the screen: the app, with all between the page and the shell of a running container, against a page with
 * xterm.js alone that writes what is typed. Both draw with elements, because a processor would have to draw for WebGL here.
 */
export async function keyToGlyphFigure(name: string): Promise<Figure> {
  const app = spawn(process.execPath, ["dist/web/main.mjs", "--no-open"], { stdio: ["ignore", "pipe", "pipe"] });
  const host = await addressOf(app);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-3d-apis"],
  });
  try {
    const ours = await openAppTerminal(browser, host.address, name);
    const theirs = await openBareTerminal(browser);
    const times = { ours: [] as number[], theirs: [] as number[] };
    for (let key = -2; key < keys; key++) {
      await ours.bringToFront();
      const our = await timeKey(ours);
      await theirs.bringToFront();
      const their = await timeKey(theirs);
      if (key < 0) continue;
      times.ours.push(our);
      times.theirs.push(their);
    }
    const more = median(times.ours) - median(times.theirs);
    return {
      name: "Key to painted letter, against xterm.js alone",
      ours: milliseconds(median(times.ours)),
      theirs: milliseconds(median(times.theirs)),
      result: `${milliseconds(more)} more`,
      bar: `at most a frame and ${moreMilliseconds} ms more`,
      met: more <= frameMilliseconds + moreMilliseconds,
    };
  } finally {
    await browser.close();
    await host.stop();
  }
}

async function openAppTerminal(browser: Browser, address: string, name: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 600 } });
  await page.goto(address);
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.locator(".xterm-rows").getByText("#").waitFor();
  await page.locator(".xterm-helper-textarea").focus();
  return page;
}

async function openBareTerminal(browser: Browser): Promise<Page> {
  const script = `
    import { Terminal } from "@xterm/xterm";
    const terminal = new Terminal({ cols: 100, rows: 30 });
    terminal.open(document.getElementById("place"));
    terminal.onData((text) => terminal.write(text));
    terminal.focus();`;
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: process.cwd() },
    bundle: true,
    write: false,
    format: "iife",
    logLevel: "error",
  });
  const page = await browser.newPage({ viewport: { width: 1000, height: 600 } });
  await page.setContent('<!doctype html><div id="place"></div>');
  await page.addStyleTag({ content: readFileSync("node_modules/@xterm/xterm/css/xterm.css", "utf8") });
  await page.addScriptTag({ content: outputFiles[0]?.text ?? "" });
  await page.locator(".xterm-rows").waitFor();
  return page;
}

/** Milliseconds from the key's event to the end of the frame in which its letter was drawn. */
async function timeKey(page: Page): Promise<number> {
  const painted = page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const rows = document.querySelector(".xterm-rows") as HTMLElement;
        const before = rows.textContent?.split("x").length ?? 0;
        let pressedAt: number | undefined;
        document.addEventListener(
          "keydown",
          () => {
            pressedAt = performance.now();
          },
          { once: true, capture: true },
        );
        const observer = new MutationObserver(() => {
          if (pressedAt === undefined || (rows.textContent?.split("x").length ?? 0) <= before) return;
          observer.disconnect();
          const start = pressedAt;
          // What is posted in a frame comes when that has been drawn.
          requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => resolve(performance.now() - start);
            port2.postMessage(undefined);
          });
        });
        observer.observe(rows, { childList: true, characterData: true, subtree: true });
      }),
  );
  // It has to be listening.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 40)));
  await page.keyboard.press("x");
  return painted;
}
