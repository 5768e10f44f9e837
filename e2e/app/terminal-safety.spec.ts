import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { filesOf, openTerminals, run } from "./terminal-screen.ts";

const esc = "\x1b";
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** What a hostile program may write, in the order in which it is written. Each is known to have harmed some terminal, or would. */
const attacks: Record<string, string> = {
  "a title with a line feed, and asking for it back": `${esc}]0;touch /tmp/owned\n\x07${esc}[21t${esc}[20t`,
  "moving, resizing, minimizing and measuring the window": `${esc}[3;0;0t${esc}[8;999;999t${esc}[2t${esc}[9;1t${esc}[14t${esc}[18t`,
  "an answer that would be typed (DECRQSS)": `${esc}P$q"p;touch /tmp/owned\n${esc}\\${esc}P$qtouch /tmp/owned\n${esc}\\`,
  "reading the clipboard": `${esc}]52;c;?\x07`,
  "printing, and the keyboard locked": `${esc}[5i touch /tmp/owned ${esc}[4i${esc}[2h${esc}[2l`,
  "an answer of one's own choice (ENQ)": "\x05\x05\x05",
  "counts beyond any screen": ["S", "T", "L", "M", "I", "Z", "b", "@", "P", "X", "A", "B", "C", "D", "E", "F", "G", "d"]
    .map((final) => `x${esc}[2147483647${final}${esc}[99999999999999999999${final}`)
    .join(""),
  "columns, and a region of lines that is none": `${esc}[2147483647'}${esc}[2147483647'~${esc}[2147483647;1r${esc}[r`,
  "more numbers than fit": `${esc}[${"1;".repeat(100_000)}m`,
  "a command of the system that does not end": `${esc}]0;${"A".repeat(12_000_000)}`,
  "a string of the device that does not end": `${esc}P1;2;3q${"?".repeat(12_000_000)}`,
  "thousands of titles and bells": `${esc}]0;t\x07\x07`.repeat(50_000),
  "thousands of marks on one letter": `e${"\u0301".repeat(100_000)}`,
  "colours that are none": `${esc}]4;0;rgb:zz/zz/zz\x07${esc}]10;javascript:alert(1)\x07${esc}]11;url(https://evil.test)\x07`,
  "a link to something that is no page": `${esc}]8;;javascript:alert(document.domain)${esc}\\click${esc}]8;;${esc}\\`,
  markup: "<img src=x onerror=alert(1)><script>alert(1)</script>",
  "bytes that are no text": "\x80\x9b\xff\xfe\xc0\xaf\xed\xa0\x80",
  "the other screen, a mouse and brackets that stay": `${esc}[?1049h${esc}[?1003h${esc}[?1006h${esc}[?2004h${esc}[?25l${esc}(0`,
};

test("whatever a program writes does nothing but change its own screen", async ({ app }) => {
  test.setTimeout(180_000);
  const dialogs: string[] = [];
  app.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const pages: string[] = [];
  app.context().on("page", (page) => pages.push(page.url()));
  const failures: string[] = [];
  app.on("pageerror", ({ message }) => failures.push(message));
  await app.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await app.evaluate(() => navigator.clipboard.writeText("a secret"));
  const terminals = await openTerminals(app, "e2e-attacks");
  const title = await app.title();
  const size = app.viewportSize();
  // What is left of the attack is put right by the program itself, before it says that it has got through.
  const script = `cat /tmp/attack-$1; printf '\\033\\\\\\033c\\033[?1049l\\033[?1003l'; echo alive-$1-$((40+2))\n`;
  writeFileSync(join(filesOf("e2e-attacks"), "tmp/attack"), script, { mode: 0o644 });
  for (const [index, [what, attack]] of Object.entries(attacks).entries()) {
    await test.step(what, async () => {
      const bytes = Buffer.from(attack, /[\u0100-\uffff]/.test(attack) ? "utf8" : "latin1");
      writeFileSync(join(filesOf("e2e-attacks"), `tmp/attack-${index}`), bytes, { mode: 0o644 });
      await app.keyboard.type(`sh /tmp/attack ${index}\n`);
      await expect(terminals).toContainText(`alive-${index}-42`, { timeout: 60_000 });
      await app.keyboard.press("Control+c");
    });
  }
  await run(app, terminals, "ls /tmp/owned || echo nothing-$((1))-owned", "nothing-1-owned");
  await expect(terminals).not.toContainText("a secret");
  expect(await app.title()).toBe(title);
  expect(app.viewportSize()).toEqual(size);
  expect(await app.evaluate(() => navigator.clipboard.readText())).toBe("a secret");
  expect({ dialogs, pages, failures }).toEqual({ dialogs: [], pages: [], failures: [] });
});

test("copying asks, and shows what would be copied; the title of a program is text", async ({ app }) => {
  await app.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await app.evaluate(() => navigator.clipboard.writeText("before"));
  const terminals = await openTerminals(app, "e2e-copies");
  const copies = (text: string) => app.keyboard.type(`printf '\\033]52;c;${base64(text)}\\007'; echo do''ne\n`);
  const bar = terminals.getByRole("alert");

  await copies("curl evil\u202e.test\n");
  await expect(bar).toContainText("A program in here wants to copy 18 B");
  await expect(bar).toContainText("curl evil<U+202E>.test");
  await expectNoViolations(app, "a program that wants to copy");
  // What is looked at is what is copied, whatever the program asks for meanwhile.
  await copies("something else");
  await expect(terminals).toContainText("done");
  await expect(bar).not.toContainText("something else");
  await bar.getByRole("button", { name: "Refuse", exact: true }).click();
  expect(await app.evaluate(() => navigator.clipboard.readText())).toBe("before");

  await terminals.getByRole("textbox").focus();
  await copies("wanted");
  await bar.getByRole("button", { name: "Copy it" }).click();
  await expect.poll(() => app.evaluate(() => navigator.clipboard.readText())).toBe("wanted");

  await terminals.getByRole("textbox").focus();
  await copies("again");
  await bar.getByRole("button", { name: "Refuse from now on" }).click();
  await terminals.getByRole("textbox").focus();
  await copies("and again");
  await run(app, terminals, "echo asked-$((1))", "asked-1");
  await expect(bar).toBeHidden();

  await app.keyboard.type("printf '\\033]2;<b>my\\342\\200\\256title</b>\\007'\n");
  await expect(terminals.getByRole("tab", { name: "<b>my title</b>" })).toBeVisible();
});

test("a link shows where it really leads before it is opened", async ({ app }) => {
  const opened: string[] = [];
  await app.context().route(/evil\.test/, (route) => {
    opened.push(route.request().url());
    return route.fulfill({ body: "a page" });
  });
  const terminals = await openTerminals(app, "e2e-links");
  await run(
    app,
    terminals,
    "clear; printf '\\033]8;;https://good.test@evil.test/x\\033\\\\https://good.test\\033]8;;\\033\\\\\\n'",
    /https:\/\/good\.test\s/,
  );
  const screen = terminals.locator(".xterm-screen");
  const clickLink = async () => {
    const box = await screen.boundingBox();
    if (!box) throw new Error("the terminal has no place");
    await app.mouse.move(box.x + 200, box.y + 200);
    await app.mouse.move(box.x + 20, box.y + 9);
    await expect(terminals.locator(".terminal-link")).toHaveText("https://good.test@evil.test/x");
    await app.mouse.click(box.x + 20, box.y + 9);
  };
  await expect(async () => {
    await clickLink();
    await expect(app.getByRole("dialog")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  const dialog = app.getByRole("dialog", { name: "Open this address in the browser?" });
  await expect(dialog).toContainText("It leads to evil.test");
  await expect(dialog).toContainText("What stands before the @ is no part of where it leads.");
  await expectNoViolations(app, "a link");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
  expect(opened).toEqual([]);
  await clickLink();
  const page = app.context().waitForEvent("page");
  await dialog.getByRole("button", { name: "Open", exact: true }).click();
  await (await page).waitForLoadState();
  expect(opened[0]).toContain("evil.test/x");
  expect(await (await page).evaluate(() => window.opener)).toBeNull();
});
