import type { Locator, Page } from "@playwright/test";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { lxc } from "./lxc.ts";
import { openTerminals, run, screenOf } from "./terminal-screen.ts";

test.describe.configure({ timeout: 180_000 });

const tabs = (terminals: Locator) => terminals.getByRole("tablist", { name: "Open terminals" }).getByRole("tab");
const panes = (terminals: Locator) => terminals.locator(".terminal-pane");

async function allowClipboard(app: Page) {
  await app.context().grantPermissions(["clipboard-read", "clipboard-write"]);
}

async function copied(app: Page): Promise<string> {
  return app.evaluate(() => navigator.clipboard.readText());
}

test("editors and monitors draw the whole screen, also after it has another size", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-draw");
  await test.step("vi", async () => {
    await app.keyboard.type("vi /tmp/notes\n");
    await expect.poll(async () => (await screenOf(terminals)).slice(1, 4)).toEqual(["~", "~", "~"]);
    await app.keyboard.type("ione two\nthree");
    await app.keyboard.press("Escape");
    await expect.poll(async () => (await screenOf(terminals)).slice(0, 3)).toEqual(["one two", "three", "~"]);
    const before = (await screenOf(terminals)).length;
    await app.setViewportSize({ width: 1000, height: 560 });
    await expect.poll(async () => (await screenOf(terminals)).length).toBeLessThan(before);
    await app.keyboard.press("Control+l");
    await expect.poll(async () => (await screenOf(terminals)).slice(0, 3)).toEqual(["one two", "three", "~"]);
    await app.keyboard.type(":wq\n");
    await run(app, terminals, "wc -w </tmp/notes", /\b3\b/);
  });
  await test.step("top", async () => {
    await app.keyboard.type("top\n");
    await expect(terminals).toContainText("Load average:");
    await expect.poll(async () => (await screenOf(terminals))[0]).toMatch(/^Mem: \d+K used/);
    expect((await screenOf(terminals)).some((row) => /PID\s+PPID\s+USER/.test(row))).toBe(true);
    await app.keyboard.press("q");
    await expect.poll(async () => (await screenOf(terminals)).findLast((row) => row !== "")).toMatch(/\/ #$/);
  });
  await test.step("Ctrl+C ends a flood, and the shell answers", async () => {
    await app.keyboard.type("yes flood\n");
    await expect.poll(async () => (await screenOf(terminals)).slice(0, 3)).toEqual(["flood", "flood", "flood"]);
    await app.keyboard.press("Control+c");
    await run(app, terminals, "echo still=$((40+2))", "still=42");
  });
});

test("a person works in several terminals at once, by keys alone", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-many");
  await run(app, terminals, "echo in-$((1))", "in-1");
  await test.step("tabs are opened, switched, renamed, moved and closed", async () => {
    await app.keyboard.press("Control+Shift+T");
    await expect(tabs(terminals)).toHaveText(["Shell", "Shell 2"]);
    await expect(terminals).not.toContainText("in-1");
    await expect(terminals).toContainText("/ #");
    await run(app, terminals, "echo in-$((2))", "in-2");
    await app.keyboard.press("Control+Shift+R");
    await app.keyboard.type("build");
    await app.keyboard.press("Enter");
    await expect(tabs(terminals)).toHaveText(["Shell", "build"]);
    await app.keyboard.press("Control+Shift+PageUp");
    await expect(tabs(terminals)).toHaveText(["build", "Shell"]);
    await app.keyboard.press("Control+Tab");
    await expect(terminals).toContainText("in-1");
    await app.keyboard.press("Control+Shift+Tab");
    await expect(terminals).toContainText("in-2");
    await expectNoViolations(app, "two tabs");
  });
  await test.step("a tab is dragged to another place", async () => {
    await tabs(terminals)
      .nth(0)
      .dragTo(tabs(terminals).nth(1), { targetPosition: { x: 150, y: 15 } });
    await expect(tabs(terminals)).toHaveText(["Shell", "build"]);
  });
  await test.step("the keyboard leaves a terminal and comes back", async () => {
    await app.keyboard.press("Control+F6");
    await expect(tabs(terminals).nth(1)).toBeFocused();
    await app.keyboard.press("ArrowLeft");
    await expect(tabs(terminals).nth(0)).toBeFocused();
    await app.keyboard.press("Enter");
    await run(app, terminals, "echo back-$((3))", "back-3");
  });
  await test.step("terminals stand side by side and below each other", async () => {
    await app.keyboard.press("Control+Shift+E");
    await expect(panes(terminals)).toHaveCount(2);
    await expect(panes(terminals).nth(1)).toContainText("/ #");
    await app.keyboard.press("Control+Shift+O");
    await expect(panes(terminals)).toHaveCount(3);
    await expect(panes(terminals).nth(2)).toContainText("/ #");
    await app.keyboard.press("Alt+ArrowUp");
    await run(app, panes(terminals).nth(1), "echo upper-$((4))", "upper-4");
    await app.keyboard.press("Alt+ArrowLeft");
    await run(app, panes(terminals).nth(0), "echo left-$((5))", "left-5");
    await expectNoViolations(app, "three terminals in a tab");
  });
  await test.step("what is typed goes to all that broadcast, and what a terminal answers by itself to nobody else", async () => {
    await app.keyboard.press("Control+Shift+B");
    await expect(terminals.getByText("Broadcasts to 2 others")).toHaveCount(3);
    await app.keyboard.type("echo all-$((6))\n");
    for (const pane of [0, 1, 2]) await expect(panes(terminals).nth(pane)).toContainText("all-6");
    await expectNoViolations(app, "broadcast");
    // Each answers its own question where the cursor is; the answer of another one would be typed into the shell.
    await app.keyboard.type("printf '\\033[6n'; read -rsn1 -t1 x; cat >/dev/null & sleep 1; kill $!; echo asked-$((7))\n");
    for (const pane of [0, 1, 2]) await expect(panes(terminals).nth(pane)).toContainText("asked-7");
    await terminals.getByRole("button", { name: "Stop", exact: true }).first().click();
    await terminals.getByRole("button", { name: "Stop", exact: true }).first().click();
    await expect(terminals.getByText(/^Broadcasts/)).toHaveCount(0);
  });
  await test.step("all are listed in one place", async () => {
    await app.getByRole("link", { name: "Terminals", exact: true }).click();
    const rows = app.getByRole("table", { name: "Terminals" }).getByRole("row");
    await expect(rows).toHaveCount(5);
    await expectNoViolations(app, "list of terminals");
    await app.getByRole("button", { name: "Show Shell 2 of e2e-many" }).click();
    await expect(terminals).toContainText("in-2");
    await run(app, terminals, "echo again-$((8))", "again-8");
  });
  await test.step("closing one closes it, closing several asks", async () => {
    await app.keyboard.press("Control+Shift+W");
    await expect(tabs(terminals)).toHaveCount(1);
    await app.keyboard.press("Control+F6");
    await app.keyboard.press("Delete");
    const dialog = app.getByRole("dialog", { name: "Close 3 terminals?" });
    await expectNoViolations(app, "closing several");
    await dialog.getByRole("button", { name: "Close all" }).click();
    await expect(app.getByText("No terminal is open")).toBeVisible();
    await expectNoViolations(app, "no terminal is open");
    await app.getByRole("button", { name: "New shell" }).click();
    await expect(terminals).toContainText("/ #");
  });
});

test("text is found, copied, pasted, saved and cleared", async ({ app }) => {
  await allowClipboard(app);
  const terminals = await openTerminals(app, "e2e-text");
  await run(app, terminals, "for i in 1 2 3; do echo Needle-$i needle; done", "Needle-3 needle");
  await test.step("search counts, minds the case if it is told to, and takes regular expressions", async () => {
    await app.keyboard.press("Control+Shift+F");
    const search = terminals.getByRole("search");
    await app.keyboard.type("needle-");
    await expect(search).toContainText("4 of 4");
    await app.keyboard.press("Enter");
    await expect(search).toContainText("3 of 4");
    await search.getByRole("button", { name: "Match case" }).click();
    await expect(search).toContainText("Not found");
    await search.getByRole("button", { name: "Match case" }).click();
    await search.getByRole("button", { name: "Regular expression" }).click();
    await search.getByRole("textbox").fill("Needle-[23]");
    await expect(search).toContainText("2 of 2");
    await search.getByRole("textbox").fill("Needle-[");
    await expect(search).toContainText("No regular expression");
    await expectNoViolations(app, "search");
    await search.getByRole("textbox").press("Escape");
    await expect(search).toBeHidden();
  });
  const menu = async (item: string) => {
    await panes(terminals).first().locator(".xterm-screen").click({ button: "right" });
    await app.getByRole("menuitem", { name: item }).click();
  };
  await test.step("everything is copied", async () => {
    await menu("Select everything");
    await app.keyboard.press("Control+Shift+C");
    await expect.poll(() => copied(app)).toContain("Needle-2 needle");
  });
  await test.step("several lines are shown before they are pasted", async () => {
    await app.evaluate(() => navigator.clipboard.writeText("echo first-$((1))\necho second-$((2))\u001b\n"));
    await menu("Paste");
    const dialog = app.getByRole("dialog", { name: "Paste 2 lines?" });
    await expect(dialog).toContainText("echo first-$((1))");
    await expectNoViolations(app, "paste");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect(dialog).toBeHidden();
    await run(app, terminals, "echo nothing-$((3))", "nothing-3");
    await expect(terminals).not.toContainText("first-1");
    await menu("Paste");
    await dialog.getByRole("button", { name: "Paste" }).click();
    await expect(terminals).toContainText("first-1");
    await expect(terminals).toContainText("second-2");
  });
  await test.step("one line is pasted at once", async () => {
    await app.evaluate(() => navigator.clipboard.writeText("echo single-$((4))"));
    await menu("Paste");
    await expect(terminals).toContainText("echo single-$((4))");
    await expect(terminals.locator(".xterm-helper-textarea")).toBeFocused();
    await app.keyboard.press("Enter");
    await expect(terminals).toContainText("single-4");
  });
  await test.step("it is saved as a file, and cleared", async () => {
    const download = app.waitForEvent("download");
    await app.keyboard.press("Control+Shift+S");
    const file = await (await download).createReadStream();
    let text = "";
    for await (const piece of file) text += piece;
    expect(text).toContain("Needle-1 needle\nNeedle-2 needle\n");
    expect((await download).suggestedFilename()).toMatch(/^e2e-text-.*\.txt$/);
    await app.keyboard.press("Control+Shift+K");
    await expect(terminals).not.toContainText("Needle-1");
  });
});

test("a terminal says how its program has ended, and that its container has stopped, and goes on from there", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-ended");
  await app.keyboard.type("echo kept-$((9)); exit 7\n");
  await expect(terminals).toContainText("The shell has ended with exit code 7.");
  await expectNoViolations(app, "a shell that has ended");
  await terminals.getByRole("button", { name: "Open again" }).click();
  await run(app, terminals, "echo anew-$((8))", "anew-8");
  await expect(terminals).toContainText("kept-9");

  await app.getByRole("button", { name: "Freeze e2e-ended" }).click();
  await expect(terminals).toContainText("e2e-ended is frozen, and the shell with it.");
  await terminals.getByRole("button", { name: "Unfreeze" }).click();
  await expect(terminals).not.toContainText("is frozen");

  lxc("lxc-stop", "-k", "-n", "e2e-ended");
  await expect(terminals).toContainText("e2e-ended has stopped, and the shell with it.");
  await expectNoViolations(app, "a terminal of a container that has stopped");
  await terminals.getByRole("button", { name: "Start" }).click();
  await terminals.getByRole("button", { name: "Reconnect" }).click();
  await run(app, terminals, "echo after-$((7))", "after-7");
  await expect(terminals).toContainText("anew-8");
});

test("terminals look and behave as a person has chosen, and keys do what they were changed to", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-settings");
  const columns = async () => {
    await app.keyboard.type("stty size\n");
    const rows = await screenOf(terminals);
    return Number(rows.findLast((row) => /^\d+ \d+$/.test(row))?.split(" ")[1]);
  };
  await expect.poll(columns).toBeGreaterThan(20);
  const before = await columns();
  for (let times = 0; times < 4; times++) await app.keyboard.press("Control++");
  await expect.poll(columns).toBeLessThan(before);
  await app.keyboard.press("Control+0");
  await expect.poll(columns).toBe(before);

  await app.getByRole("link", { name: "Settings" }).click();
  await app.getByRole("textbox", { name: "Size of text" }).fill("20");
  await app.keyboard.press("Enter");
  await app.getByRole("combobox", { name: "Colours" }).selectOption("Solarized dark");
  await app.getByRole("textbox", { name: "Font", exact: true }).fill("x; } body { display: none");
  await expect(app.getByText("A name of a font has letters, digits and blanks.")).toBeVisible();
  await app.getByRole("textbox", { name: "Font", exact: true }).fill("");
  await expectNoViolations(app, "settings of terminals");

  await app.getByRole("button", { name: "Show and change keys" }).click();
  const keys = app.getByRole("dialog", { name: "Keys" });
  await keys.getByRole("button", { name: "Change the keys for: New shell" }).click();
  await app.keyboard.press("Control+Shift+W");
  await expect(keys).toContainText("These keys are taken by: Close the terminal.");
  await expectNoViolations(app, "keys that are taken");
  await app.keyboard.press("Control+Shift+N");
  await expect(keys.getByRole("listitem").filter({ hasText: "New shell" }).first()).toContainText("CtrlShiftN");
  await app.keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await app.keyboard.press("?");
  await expect(keys).toBeVisible();
  await keys.getByRole("button", { name: "Close" }).last().click();

  await app.getByRole("link", { name: "Terminals", exact: true }).click();
  await app.getByRole("button", { name: "Show Shell of e2e-settings" }).click();
  await expect.poll(columns).toBeLessThan(before);
  await expect(terminals.locator(".terminal-element")).toHaveCSS("background-color", "rgb(0, 43, 54)");
  await app.keyboard.press("Control+Shift+T");
  await app.keyboard.press("Control+Shift+N");
  await expect(tabs(terminals)).toHaveCount(2);
  await app.keyboard.press("Control+?");
  await keys.getByRole("button", { name: "Reset all" }).click();
  await keys.getByRole("button", { name: "Close" }).last().click();
  await expect(keys).toBeHidden();
  await terminals.getByRole("textbox").focus();
  await app.keyboard.press("Control+Shift+T");
  await expect(tabs(terminals)).toHaveCount(3);
});

test("terminals are as they were after the page was loaded again, also during a flood", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-reload");
  await run(app, terminals, "echo before-$((6*7))", "before-42");
  await app.keyboard.press("Control+Shift+R");
  await app.keyboard.type("kept");
  await app.keyboard.press("Enter");
  await app.keyboard.press("Control+Shift+E");
  await expect(panes(terminals)).toHaveCount(2);
  await expect(panes(terminals).nth(1)).toContainText("/ #");
  await app.keyboard.type("yes flood\n");
  await expect.poll(async () => (await screenOf(terminals, 1)).slice(0, 2)).toEqual(["flood", "flood"]);
  await app.reload();
  await expect(tabs(terminals)).toHaveText(["kept"]);
  await expect(panes(terminals)).toHaveCount(2);
  await expect(panes(terminals).nth(0)).toContainText("before-42");
  await expect.poll(async () => (await screenOf(terminals, 1)).slice(0, 2)).toEqual(["flood", "flood"]);
  await panes(terminals).nth(1).getByRole("textbox").focus();
  await app.keyboard.press("Control+c");
  await run(app, panes(terminals).nth(1), "echo after-$((6*7))", "after-42");
  await panes(terminals).nth(0).getByRole("textbox").focus();
  await run(app, panes(terminals).nth(0), "echo again-$((6*7))", "again-42");
});

test("a shell of another user, a command, the console, and files that are dropped", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-kinds");
  const open = async (item: string | RegExp) => {
    await terminals.getByRole("button", { name: "New terminal, and more" }).click();
    await app.getByRole("menuitem", { name: item }).click();
  };
  await test.step("a shell elsewhere, with more in its environment", async () => {
    await open(/^Shell as another user/);
    const dialog = app.getByRole("dialog", { name: "Shell in e2e-kinds" });
    await expect(dialog.getByRole("combobox", { name: "User" })).toContainText("root (0)");
    await dialog.getByRole("textbox", { name: "Working directory" }).fill("tmp");
    await dialog.getByRole("textbox", { name: "Environment" }).fill("GREETING=hello there\nwrong");
    await dialog.getByRole("button", { name: "Open" }).click();
    await expect(dialog).toContainText("Type the whole path of the folder");
    await expect(dialog).toContainText("“wrong” is not like NAME=value.");
    await expectNoViolations(app, "another shell, wrongly");
    await dialog.getByRole("textbox", { name: "Working directory" }).fill("/tmp");
    await dialog.getByRole("textbox", { name: "Environment" }).fill("GREETING=hello there");
    await dialog.getByRole("button", { name: "Open" }).click();
    await expect(tabs(terminals)).toHaveCount(2);
    await expect(terminals).toContainText("#");
    await run(app, terminals, 'echo "$GREETING in $PWD"', "hello there in /tmp");
  });
  await test.step("a file is put into the folder that the shell is in", async () => {
    const drop = async (text: string) => {
      const files = await app.evaluateHandle((content) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], "dropped file.txt"));
        return transfer;
      }, text);
      await terminals.locator(".terminal-room").dispatchEvent("drop", { dataTransfer: files });
    };
    await drop("from outside");
    await expect(app.getByText("/tmp/dropped file.txt is in e2e-kinds.")).toBeVisible();
    await run(app, terminals, "cat 'dropped file.txt'", "from outside");
    await drop("another text");
    await app.getByRole("dialog", { name: "Replace dropped file.txt?" }).getByRole("button", { name: "Replace" }).click();
    await expect(app.getByText("/tmp/dropped file.txt is in e2e-kinds.").first()).toBeVisible();
    await expect(async () => {
      await app.keyboard.type("cat 'dropped file.txt'\n");
      await expect(terminals).toContainText("another text", { timeout: 1_000 });
    }).toPass();
  });
  await test.step("a command says how it ended", async () => {
    await app.getByRole("button", { name: "Run a command in e2e-kinds" }).click();
    await app.getByRole("dialog").getByRole("textbox", { name: "Command" }).fill("echo one | tr o 0; exit 5");
    await app.keyboard.press("Enter");
    await expect(terminals).toContainText("0ne");
    await expect(terminals).toContainText("The command has ended with exit code 5.");
    await expect(terminals.getByRole("button", { name: "Run again" })).toBeVisible();
  });
  await test.step("the console", async () => {
    await open("Console");
    await expect(terminals.getByRole("tab", { name: "Console" })).toHaveAttribute("aria-selected", "true");
    await app.keyboard.press("Enter");
    await expect(terminals).toContainText(/activate this console|login:|\/ #/);
  });
});
