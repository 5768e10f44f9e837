import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Browser, Page } from "@playwright/test";
import { createContainer, expect, row, test } from "../app/fixtures.ts";
import { run } from "../app/machine.ts";
import { type PolkitAgent, startPasswordAgent } from "../app/polkit-agent.ts";
import { setRule } from "../app/test-user.ts";
import type { WebHost } from "../app/web-host.ts";
import { people } from "./recipe.mjs";
import { address, checkoutInside, startInSession } from "./session.ts";
import { ssh } from "./ssh.mjs";

/** polkit as Debian sets it up: a rule that grants nothing, real people, real sessions, real passwords. */
const { admin, other } = people;

test.beforeEach(async ({ rights: _ }) => setRule({}));

const helpers = () => run("/bin/sh", "-c", "pgrep -f 'lxc-desktop/[h]elper/' || true").trim();
const fullQuestion = {
  action: "org.lxcdesktop.full",
  message: expect.stringContaining("Authentication is required to manage containers."),
};

async function withApp(browser: Browser, person: string, look: (page: Page, host: WebHost) => Promise<void>): Promise<void> {
  const host = await startInSession(address(), person);
  const context = await browser.newContext();
  try {
    await look(await context.newPage(), host);
  } finally {
    await context.close();
    await host.stop();
  }
}

async function withAgent(starting: Promise<PolkitAgent>, look: (agent: PolkitAgent) => Promise<void>): Promise<void> {
  const agent = await starting;
  try {
    await look(agent);
  } finally {
    await agent.close();
  }
}

test("the one who may elevate is really asked, once, and then works", async ({ chromium }) => {
  await withApp(chromium, admin.name, async (page, host) => {
    await withAgent(
      startPasswordAgent(host.pid, () => admin.password),
      async (agent) => {
        await page.goto(host.address);
        await expect(page.getByText("No containers yet")).toBeVisible();
        expect(agent.questions).toEqual([fullQuestion]);
        expect(agent.output()).toContain(`Authenticating as: ${admin.name}`);
        await createContainer(page, "e2e-asked");
        await page.getByRole("link", { name: "e2e-asked", exact: true }).click();
        await page.getByRole("tab", { name: "Terminal" }).click();
        await expect(page.getByRole("region", { name: "Terminal e2e-asked" })).toContainText("/ #");
        expect(agent.questions).toEqual([fullQuestion]);
      },
    );
  });
  await expect.poll(helpers).toBe("");
});

test("a dialog that is closed opens nothing, and the screen says so", async ({ chromium }) => {
  await withApp(chromium, admin.name, async (page, host) => {
    const [file = "", ...args] = ssh(address(), admin.name, [
      ...["env", "-C", checkoutInside, "node", "--import", "tsx", "e2e/vm/dismissing-agent.ts", String(host.pid)],
    ]);
    const agent = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    agent.stdout.on("data", (text) => {
      output += text;
    });
    try {
      await expect.poll(() => output).toContain("registered");
      await page.goto(host.address);
      await expect(page.getByRole("heading", { name: "The password was not given" })).toBeVisible();
      expect(output).toContain("dismissed org.lxcdesktop.full");
      expect(helpers()).toBe("");
    } finally {
      run("/usr/bin/pkill", "-f", "dismissing-agent.ts");
      await once(agent, "exit");
    }
  });
});

test("where nothing can ask, the screen says so", async ({ chromium }) => {
  await withApp(chromium, admin.name, async (page, host) => {
    await page.goto(host.address);
    await expect(page.getByRole("heading", { name: "Nothing here can ask for your password" })).toBeVisible();
    expect(helpers()).toBe("");
  });
});

test("the one who may not elevate is asked for an administrator's password, and has none", async ({ chromium }) => {
  await withApp(chromium, other.name, async (page, host) => {
    await withAgent(
      startPasswordAgent(host.pid, () => other.password, other.name),
      async (agent) => {
        await page.goto(host.address);
        await expect(page.getByRole("heading", { name: /The password was not accepted|You may not do this/ })).toBeVisible();
        expect(agent.questions).toEqual([fullQuestion]);
        expect(agent.output()).toContain(`Authenticating as: ${admin.name}`);
        expect(helpers()).toBe("");
      },
    );
  });
});

test("one whom a rule refuses is told so", async ({ chromium }) => {
  await setRule({ refused: ["full", "limited", "view"] }, other.name);
  await withApp(chromium, other.name, async (page, host) => {
    await page.goto(host.address);
    await expect(page.getByRole("heading", { name: "You may not do this" })).toBeVisible();
    await expect(page.getByText("Its administrator can change that")).toBeVisible();
    expect(helpers()).toBe("");
  });
});

test("one whom a rule lets look and start can do that and nothing more", async ({ chromium }) => {
  run("/usr/bin/lxc-create", "-n", "e2e-limited", "-t", "busybox");
  await setRule({ granted: ["limited", "view", "manage"], refused: ["full", "create"] }, other.name);
  await withApp(chromium, other.name, async (page, host) => {
    await page.goto(host.address);
    await page.getByRole("button", { name: "Start e2e-limited" }).click();
    await expect(row(page, "e2e-limited").getByText("Running", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Create container" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
    await expect(page.getByText("You may not do this")).toBeVisible();
  });
});
