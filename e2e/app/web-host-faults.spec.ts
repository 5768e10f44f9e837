import { readdirSync, readFileSync } from "node:fs";
import type { Browser } from "@playwright/test";
import { heartbeatLostAfterMilliseconds } from "../../privileged-helper/contract/events.ts";
import { createContainer, expect, openTask, row, test } from "./fixtures.ts";
import { exists, lxcLs } from "./lxc.ts";
import { descendants, helperPids, isAlive } from "./processes.ts";
import { beginCreatingDebian, startSilentMirror } from "./silent-mirror.ts";
import { openTerminals, run, screenOf } from "./terminal-screen.ts";
import { startWebHost, type WebHost } from "./web-host.ts";

/** Longer than undoing takes, and shorter than the helper waits for a host that is silent. */
const soon = { timeout: 20_000 };

test.describe("in the middle of creating a container", () => {
  test("the app is killed: nothing of it stays, and what runs goes on", async ({ chromium }) => {
    await withHostThatCreates(chromium, "e2e-cut", async ({ host, family }) => {
      process.kill(host.pid, "SIGKILL");
      await expect.poll(() => family.filter(isAlive), soon).toEqual([]);
      expectNothingOf("e2e-cut");
      expect(lxcLs("e2e-running")?.state).toBe("RUNNING");
    });
  });

  test("the app is ended with Ctrl-C: it undoes its work first", async ({ chromium }) => {
    await withHostThatCreates(chromium, "e2e-ctrl-c", async ({ host, family }) => {
      // As the terminal does it: to the whole foreground process group.
      process.kill(-host.pid, "SIGINT");
      expect(await host.exited).toBe(0);
      // It has waited for the helper, and the helper for what it had started.
      expect(family.filter(isAlive)).toEqual([]);
      expectNothingOf("e2e-ctrl-c");
      expect(lxcLs("e2e-running")?.state).toBe("RUNNING");
    });
  });

  test("app and helper are killed: the next helper removes what is left, and says so", async ({ chromium }) => {
    await withHostThatCreates(chromium, "e2e-left", async ({ host, family }) => {
      for (const pid of [...helperPids(), host.pid]) process.kill(pid, "SIGKILL");
      expect(exists("e2e-left")).toBe(true);
      const next = await startWebHost();
      const page = await (await chromium.newContext()).newPage();
      try {
        await page.goto(next.address);
        const details = await openTask(page, "Clean up e2e-left");
        await expect(details.getByRole("log")).toContainText("LXC Desktop ended while it made e2e-left. What is left of it is removed.");
        await expect(page.getByRole("row", { name: /Create e2e-left/ })).toContainText("Failed");
        await openTask(page, "Create e2e-left");
        await expect(details).toContainText("LXC Desktop was ended while this ran.");
        await expect.poll(() => exists("e2e-left"), soon).toBe(false);
        await expect.poll(() => family.filter(isAlive), soon).toEqual([]);
        await expect.poll(() => journal(), soon).toEqual([]);
        expectNothingOf("e2e-left");
        await page.getByRole("link", { name: "Containers", exact: true }).click();
        await expect(row(page, "e2e-running").getByText("Running", { exact: true })).toBeVisible();
        await expect(row(page, "e2e-left")).toBeHidden();
      } finally {
        await page.context().close();
        await next.stop();
      }
    });
  });
});

test("the app is killed while shells run: they end, also what floods, and the container goes on", async ({ chromium }) => {
  const host = await startWebHost();
  const page = await (await chromium.newContext()).newPage();
  try {
    await page.goto(host.address);
    const terminals = await openTerminals(page, "e2e-shells");
    await run(page, terminals, "sleep 98799 & echo started-$((6*7))", "started-42");
    await page.keyboard.press("Control+Shift+T");
    await expect(terminals).toContainText("/ #");
    // By its path: BusyBox' shell would else do it itself, and nothing would be called so.
    await page.keyboard.type("$(which yes) flooding-98799\n");
    await expect(terminals).toContainText("flooding-98799");
    const left = () => commandLines().filter((line) => line.includes("98799") || line.includes("lxc-attach"));
    // Two of LXC's tools, what sleeps, and what floods.
    await expect.poll(() => left().length, soon).toBe(4);
    process.kill(host.pid, "SIGKILL");
    await expect.poll(left, soon).toEqual([]);
    expect(lxcLs("e2e-shells")?.state).toBe("RUNNING");
  } finally {
    await page.context().close();
    await host.stop();
  }
});

test("what is cut off while it is loaded is loaded again: the page, and a part that is shown later", async ({ host, chromium }) => {
  const page = await (await chromium.newContext()).newPage();
  try {
    const cutOff: string[] = [];
    // As Chromium does it whenever a container that starts brings a network interface with it.
    await page.route(/\/assets\/(index|create-dialog)-[^/]*\.js$/, (route) => {
      const { pathname } = new URL(route.request().url());
      if (cutOff.includes(pathname)) return route.continue();
      cutOff.push(pathname);
      return route.abort("connectionreset");
    });
    await page.goto(host.address);
    await page.getByRole("button", { name: "Create container" }).click();
    await expect(page.getByRole("dialog", { name: "Create container" }).getByRole("textbox", { name: "Name" })).toBeVisible();
    expect(cutOff.length).toBeGreaterThanOrEqual(2);
  } finally {
    await page.context().close();
  }
});

test("a part that never comes is said, and the rest of the app goes on", async ({ app }) => {
  await app.route(/\/assets\/create-dialog-[^/]*\.js$/, (route) => route.abort("connectionreset"));
  await app.getByRole("button", { name: "Create container" }).click();
  await expect(app.getByRole("alert").filter({ hasText: "create-dialog" })).toBeVisible();
  await app.getByRole("link", { name: "Settings" }).click();
  await expect(app.getByRole("heading", { name: "Settings" })).toBeVisible();
});

test("a page that crashes during a flood has its terminals as they were when it is loaded again", async ({ app }) => {
  const terminals = await openTerminals(app, "e2e-crash");
  await run(app, terminals, "echo before-$((6*7))", "before-42");
  await app.keyboard.type("yes flood\n");
  await expect.poll(async () => (await screenOf(terminals)).slice(0, 2)).toEqual(["flood", "flood"]);
  const crashed = app.waitForEvent("crash");
  // Playwright gives up a page that has crashed; the browser does not.
  const browser = await app.context().newCDPSession(app);
  const evaluate = async (expression: string) => (await browser.send("Runtime.evaluate", { expression })).result.value;
  const screen = () => evaluate("document.querySelector('.terminal-pane .xterm-accessibility-tree')?.textContent");
  // It is never answered: who should is gone.
  browser.send("Page.crash").catch(() => {});
  await crashed;
  await browser.send("Page.reload");
  await expect.poll(screen).toContain("floodflood");
  await evaluate("document.querySelector('.terminal-pane textarea').focus()");
  const press = async (key: string, windowsVirtualKeyCode: number, modifiers = 0) => {
    for (const type of ["rawKeyDown", "keyUp"] as const)
      await browser.send("Input.dispatchKeyEvent", { type, key, windowsVirtualKeyCode, modifiers });
  };
  await press("c", 67, 2);
  // An interruption takes what was typed meanwhile with it.
  await expect.poll(screen).toMatch(/\/ #\s*$/);
  for (const text of "echo after-$((6*7))") await browser.send("Input.dispatchKeyEvent", { type: "char", text });
  await press("Enter", 13);
  await expect.poll(screen).toContain("after-42");
});

test("a host that falls silent loses its helper, and gets another one when it wakes up", async ({ chromium }) => {
  const host = await startWebHost();
  const page = await (await chromium.newContext()).newPage();
  try {
    await page.goto(host.address);
    await createContainer(page, "e2e-silent");
    const before = helperPids();
    expect(before).toHaveLength(1);
    process.kill(host.pid, "SIGSTOP");
    try {
      await expect.poll(() => before.filter(isAlive), { timeout: heartbeatLostAfterMilliseconds + 10_000 }).toEqual([]);
    } finally {
      process.kill(host.pid, "SIGCONT");
    }
    await expect.poll(() => helperPids().length).toBe(1);
    await page.getByRole("button", { name: "Force stop e2e-silent" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
    await expect(row(page, "e2e-silent").getByText("Stopped", { exact: true })).toBeVisible();
  } finally {
    await page.context().close();
    await host.stop();
  }
});

/** A host with a container that runs, and another one that is being made by a template which takes long. */
async function withHostThatCreates(
  browser: Browser,
  name: string,
  look: (creating: { host: WebHost /** Host, helper, and all that they started. */; family: number[] }) => Promise<void>,
) {
  const mirror = await startSilentMirror();
  const host = await startWebHost({ leadsGroup: true });
  const page = await (await browser.newContext()).newPage();
  try {
    await page.goto(host.address);
    await createContainer(page, "e2e-running");
    await beginCreatingDebian(page, name, mirror);
    expect(exists(name)).toBe(true);
    await look({ host, family: descendants(host.pid) });
  } finally {
    await page.context().close();
    await host.stop();
    await mirror.close();
  }
}

function expectNothingOf(name: string) {
  expect(exists(name)).toBe(false);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(name);
  expect(journal()).toEqual([]);
}

/** Of all processes of this computer, those in containers as well. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    });
}

/** Records of what is being made, or was when a helper was killed. */
function journal(): string[] {
  return readdirSync("/var/lib/lxc-desktop/journal");
}
