import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Browser, Page } from "@playwright/test";
import { createContainer, expect, row, test } from "../app/fixtures.ts";
import { run } from "../app/machine.ts";
import { startPasswordAgent } from "../app/polkit-agent.ts";
import { setRule } from "../app/test-user.ts";
import { nodeBrought } from "./brought.mjs";
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

/** An agent, or whatever else has to be ended. */
type Agent = { close(): Promise<void> };
type Opened<A> = { page: Page; agent: A };

/** The app in a person's session, whose questions go to that agent. */
async function withApp<A extends Agent>(
  browser: Browser,
  person: string,
  startAgent: (pid: number) => Promise<A>,
  look: (opened: Opened<A>) => Promise<void>,
): Promise<void> {
  let agent: A | undefined;
  const host = await startInSession(address(), person, {
    async beforeItRuns(pid) {
      agent = await startAgent(pid);
    },
  });
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(host.address);
    if (agent) await look({ page, agent });
  } finally {
    await context.close();
    await host.stop();
    await agent?.close();
  }
}

const noAgent = async (): Promise<Agent> => ({ close: async () => {} });

/** The one that closes the dialog speaks to the bus of the machine, so it runs there. */
async function startDismissingAgent(pid: number): Promise<Agent & { output(): string }> {
  const script = ["env", "-C", checkoutInside, `./${nodeBrought}`, "--import", "tsx", "e2e/vm/dismissing-agent.ts", String(pid)];
  const [file = "", ...args] = ssh(address(), admin.name, script);
  const agent = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(agent, "exit");
  let output = "";
  agent.stdout.on("data", (text) => {
    output += text;
  });
  await expect.poll(() => output, { timeout: 120_000 }).toContain("registered");
  return {
    output: () => output,
    async close() {
      agent.stdin.end();
      await exited;
    },
  };
}

test("the one who may elevate is really asked, once, and then works", async ({ chromium }) => {
  await withApp(
    chromium,
    admin.name,
    (pid) => startPasswordAgent(pid, () => admin.password),
    async ({ page, agent }) => {
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
  await expect.poll(helpers).toBe("");
});

test("a dialog that is closed opens nothing, and the screen says so", async ({ chromium }) => {
  await withApp(chromium, admin.name, startDismissingAgent, async ({ page, agent }) => {
    await expect(page.getByRole("heading", { name: "The password was not given" })).toBeVisible();
    expect(agent.output()).toContain("dismissed org.lxcdesktop.full");
    expect(helpers()).toBe("");
  });
});

test("where nothing can ask, the screen says so", async ({ chromium }) => {
  await withApp(chromium, admin.name, noAgent, async ({ page }) => {
    await expect(page.getByRole("heading", { name: "Nothing here can ask for your password" })).toBeVisible();
    expect(helpers()).toBe("");
  });
});

test("the one who may not elevate is asked for an administrator's password, and has none", async ({ chromium }) => {
  await withApp(
    chromium,
    other.name,
    (pid) => startPasswordAgent(pid, () => other.password, other.name),
    async ({ page, agent }) => {
      await expect(page.getByRole("heading", { name: "The password was not accepted" })).toBeVisible();
      expect(agent.questions).toEqual([fullQuestion]);
      expect(agent.output()).toContain(`Authenticating as: ${admin.name}`);
      expect(helpers()).toBe("");
    },
  );
});

test("one whom a rule refuses is told so", async ({ chromium }) => {
  await setRule({ refused: ["full", "limited", "view"] }, other.name);
  await withApp(chromium, other.name, noAgent, async ({ page }) => {
    await expect(page.getByRole("heading", { name: "You may not do this" })).toBeVisible();
    await expect(page.getByText("Its administrator can change that")).toBeVisible();
    expect(helpers()).toBe("");
  });
});

test("one whom a rule lets look and start can do that and nothing more", async ({ chromium }) => {
  run("/usr/bin/lxc-create", "-n", "e2e-limited", "-t", "busybox");
  await setRule({ granted: ["limited", "view", "manage"], refused: ["full", "create"] }, other.name);
  await withApp(chromium, other.name, noAgent, async ({ page }) => {
    await page.getByRole("button", { name: "Start e2e-limited", exact: true }).click();
    await expect(row(page, "e2e-limited").getByText("Running", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Create container" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
    await expect(page.getByText("You may not do this")).toBeVisible();
  });
});
