import type { Locator, Page } from "@playwright/test";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { lxc } from "./lxc.ts";
import { openTerminals, run } from "./terminal-screen.ts";

test.describe.configure({ timeout: 180_000 });

const tabs = (terminals: Locator) => terminals.getByRole("tablist", { name: "Open terminals" }).getByRole("tab");

/** Presses the keys for a window of its own. @returns The window, and what is around its terminal. */
async function openWindow(app: Page, name: string): Promise<{ window: Page; shown: Locator }> {
  const coming = app.context().waitForEvent("page");
  await app.keyboard.press("Control+Shift+D");
  const window = await coming;
  return { window, shown: window.getByRole("region", { name: `Terminal ${name}` }) };
}

/** Waits for its prompt, too: lxc-attach throws away what is typed before it has set up its terminal. */
async function openShell(shown: Locator, button: string) {
  const prompts = async () => ((await shown.locator(".xterm-accessibility-tree").textContent()) ?? "").split("/ #").length;
  const before = await prompts();
  await shown.getByRole("button", { name: button }).click();
  await expect.poll(prompts).toBeGreaterThan(before);
}

/** Presses keys with which a window closes, before they are let go. */
const pressAndGo = (window: Page, keys: string) => window.keyboard.press(keys).catch(() => {});

test("a terminal moves into a window of its own, with its screen and what runs in it, and back", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-window");
  await run(app, terminals, "word=kept; echo before-$((1))", "before-1");
  const { window, shown } = await openWindow(app, "e2e-window");
  await test.step("the window shows it and is typed into; the app says where it is", async () => {
    await expect(shown).toContainText("before-1");
    await expect(window).toHaveTitle("Shell – e2e-window");
    await run(window, shown, "echo $word-$((2))", "kept-2");
    await expect(terminals).toContainText("This terminal has a window of its own.");
    await expect(tabs(terminals)).toHaveCount(1);
    await expect(tabs(terminals).first().getByLabel("in its own window")).toBeVisible();
    await expectNoViolations(app, "a terminal that is elsewhere");
    await expectNoViolations(window, "a terminal's own window");
  });
  await test.step("its size is the window's", async () => {
    await window.setViewportSize({ width: 400, height: 400 });
    await expect
      .poll(async () => {
        await window.keyboard.type("stty size\n");
        const columns = /\b\d+ (\d+)\b(?!.*\b\d+ \d+\b)/s.exec(
          (await shown.locator(".xterm-accessibility-tree > *").allTextContents()).join("\n"),
        )?.[1];
        return Number(columns);
      })
      .toBeLessThan(60);
    await expectNoViolations(window, "a narrow window");
  });
  await test.step("it is loaded anew, and so is the app", async () => {
    await window.reload();
    await expect(shown).toContainText("kept-2");
    await run(window, shown, "echo $word-$((3))", "kept-3");
    await app.reload();
    await expect(terminals).toContainText("This terminal has a window of its own.");
    await run(window, shown, "echo $word-$((4))", "kept-4");
  });
  await test.step("the settings are the same everywhere", async () => {
    const size = () => shown.locator(".xterm-accessibility-tree > *").count();
    const before = await size();
    await app.getByRole("link", { name: "Settings" }).click();
    await app.getByRole("textbox", { name: "Size of text" }).fill("20");
    await app.keyboard.press("Enter");
    await expect.poll(size).toBeLessThan(before);
    await app.getByRole("textbox", { name: "Size of text" }).fill("13");
    await app.keyboard.press("Enter");
    await expect.poll(size).toBe(before);
  });
  await test.step("the list of terminals says so, and leads to it", async () => {
    await app.getByRole("link", { name: "Terminals", exact: true }).click();
    await expect(app.getByRole("cell", { name: "Open, in its own window" })).toBeVisible();
    await app.getByRole("button", { name: "Show Shell of e2e-window" }).click();
    await expect(terminals).toContainText("This terminal has a window of its own.");
  });
  await test.step("closing the window puts it back", async () => {
    await window.close();
    await expect(terminals).toContainText("kept-4");
    await terminals.getByRole("textbox").focus();
    await run(app, terminals, "echo $word-$((5))", "kept-5");
  });
  await test.step("it can be brought back from either side", async () => {
    const second = await openWindow(app, "e2e-window");
    await expect(second.shown).toContainText("kept-5");
    await run(second.window, second.shown, "echo $word-$((6))", "kept-6");
    const closing = second.window.waitForEvent("close");
    await terminals.getByRole("button", { name: "Bring it back" }).click();
    await closing;
    await expect(terminals).toContainText("kept-6");
    await run(app, terminals, "echo $word-$((7))", "kept-7");
    await tabs(terminals).first().dblclick();
    await app.getByRole("textbox", { name: "Name of the tab" }).fill("Büro & Co?");
    await app.keyboard.press("Enter");
    const third = await openWindow(app, "e2e-window");
    await expect(third.window).toHaveTitle("Büro & Co? – e2e-window");
    await expect(third.shown.getByRole("heading")).toContainText("Büro & Co?");
    await expect(third.shown).toContainText("kept-7");
    await run(third.window, third.shown, "echo $word-$((8))", "kept-8");
    const closingToo = third.window.waitForEvent("close");
    await pressAndGo(third.window, "Control+Shift+D");
    await closingToo;
    await expect(terminals).toContainText("kept-8");
    await run(app, terminals, "echo $word-$((9))", "kept-9");
  });
});

test("what a terminal was asked and has answered is not answered again when another page shows it", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-window-asked");
  await app.keyboard.type("printf '\\033[5nasked'; read -rsn4 -t5 answer; echo; echo got-$((6)); cat >/tmp/typed\n");
  await expect(terminals).toContainText("got-6");
  const { window, shown } = await openWindow(app, "e2e-window-asked");
  await expect(shown).toContainText("got-6");
  await window.keyboard.type("only this\n");
  await window.keyboard.press("Control+d");
  await run(window, shown, "wc -c </tmp/typed", /\b10\b/);
});

test("a terminal of a split gets a tab and a window, says how it has ended, and closing it closes both", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-window-split");
  await app.keyboard.press("Control+Shift+E");
  await expect(terminals.locator(".terminal-pane")).toHaveCount(2);
  await expect(terminals.locator(".terminal-pane").nth(1)).toContainText("/ #");
  const coming = app.context().waitForEvent("page");
  await terminals.locator(".terminal-pane").nth(1).locator(".xterm-screen").click({ button: "right" });
  await app.getByRole("menuitem", { name: "Open in its own window" }).click();
  const window = await coming;
  const shown = window.getByRole("region", { name: "Terminal e2e-window-split" });
  await expect(terminals.locator(".terminal-pane")).toHaveCount(1);
  await expect(tabs(terminals)).toHaveText(["Shell", "Shell 2"]);
  await expect(shown).toContainText("/ #");
  await window.keyboard.type("exit 3\n");
  await expect(shown).toContainText("The shell has ended with exit code 3.");
  await openShell(shown, "Open again");
  await run(window, shown, "echo again-$((1))", "again-1");
  await expect(tabs(terminals)).toHaveCount(2);
  lxc("lxc-stop", "-k", "-n", "e2e-window-split");
  await expect(shown).toContainText("e2e-window-split has stopped, and the shell with it.");
  await expectNoViolations(window, "a window whose container has stopped");
  await shown.getByRole("button", { name: "Start" }).click();
  await openShell(shown, "Reconnect");
  await run(window, shown, "echo after-$((2))", "after-2");
  const closing = window.waitForEvent("close");
  await pressAndGo(window, "Control+Shift+W");
  await closing;
  await expect(tabs(terminals)).toHaveCount(1);
});
