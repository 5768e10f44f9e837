import { readFileSync } from "node:fs";
import type { Browser, Page } from "@playwright/test";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { confirmDestroy, createContainer, expect, row, test } from "./fixtures.ts";
import { exists, lxc, lxcLs } from "./lxc.ts";
import { type PolkitAgent, startDismissingAgent, startPasswordAgent } from "./polkit-agent.ts";
import { commandOf, descendants, helperPids, isAlive, pidsOf } from "./processes.ts";
import { setRandomPassword, setRule } from "./test-user.ts";
import { startWebHost, type WebHost } from "./web-host.ts";

/** No rule grants anything here: polkit has the test user asked for a password, by an agent that a script answers. */
let password: string;
test.beforeAll(() => {
  password = setRandomPassword();
});
test.beforeEach(async ({ rights: _ }) => setRule({ isAdministrator: true }));

const fullQuestion = {
  action: "org.lxcdesktop.full",
  message: expect.stringContaining("Authentication is required to manage containers."),
};

type Opened = { page: Page; host: WebHost; agent: PolkitAgent };

/** The app of its own host, whose questions go to that agent. */
async function withApp(browser: Browser, startAgent: (pid: number) => Promise<PolkitAgent>, look: (opened: Opened) => Promise<void>) {
  let agent: PolkitAgent | undefined;
  const host = await startWebHost({
    async beforeItRuns(pid) {
      agent = await startAgent(pid);
    },
  });
  const page = await (await browser.newContext()).newPage();
  try {
    await page.goto(host.address);
    if (agent) await look({ page, host, agent });
  } finally {
    await page.context().close();
    await host.stop();
    await agent?.close();
  }
}

/** A promise, and what keeps it. */
function gate<T>() {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test("one password covers everyday work, and the window is there before it is given", async ({ chromium }) => {
  const answer = gate<string>();
  await withApp(
    chromium,
    (pid) => startPasswordAgent(pid, () => answer.opened),
    async ({ page, agent }) => {
      await expect.poll(() => agent.questions).toEqual([fullQuestion]);
      await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
      await expect(page.getByRole("heading", { name: "Waiting for your password" })).toBeVisible();
      await expectNoViolations(page, "waiting for the password");
      expect(helperPids()).toEqual([]);

      answer.open(password);
      await expect(page.getByText("No containers yet")).toBeVisible();
      const name = "e2e-password";
      await createContainer(page, name);
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("tab", { name: "Terminal" }).click();
      await expect(page.getByRole("region", { name: `Terminal ${name}` })).toContainText("/ #");
      await page.getByRole("link", { name: "Containers", exact: true }).click();
      await page.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
      await expect(row(page, name).getByText("Stopped", { exact: true })).toBeVisible();
      await page.getByRole("button", { name: `Destroy ${name}` }).click();
      await confirmDestroy(page, name);
      await expect.poll(() => exists(name)).toBe(false);
      expect(agent.questions).toEqual([fullQuestion]);
    },
  );
});

test("a wrong password opens nothing, and can be given again", async ({ chromium }) => {
  let given = "wrong";
  await withApp(
    chromium,
    (pid) => startPasswordAgent(pid, () => given),
    async ({ page, agent }) => {
      await expect(page.getByRole("heading", { name: "The password was not accepted" })).toBeVisible();
      await expectNoViolations(page, "wrong password");
      expect(helperPids()).toEqual([]);
      given = password;
      await page.getByRole("button", { name: "Ask again" }).click();
      await expect(page.getByText("No containers yet")).toBeVisible();
      expect(agent.questions).toEqual([fullQuestion, fullQuestion]);
    },
  );
});

test("a dialog that is closed opens nothing, and can be asked for again", async ({ chromium }) => {
  await withApp(chromium, startDismissingAgent, async ({ page, host, agent }) => {
    await expect(page.getByRole("heading", { name: "The password was not given" })).toBeVisible();
    await expectNoViolations(page, "dismissed");
    expect(agent.questions).toEqual([fullQuestion]);
    expect(helperPids()).toEqual([]);
    await agent.close();
    const second = await startPasswordAgent(host.pid, () => password);
    try {
      await page.getByRole("button", { name: "Ask again" }).click();
      await expect(page.getByText("No containers yet")).toBeVisible();
      expect(second.questions).toEqual([fullQuestion]);
    } finally {
      await second.close();
    }
  });
});

test("an app that is ended while its question is open takes the question with it", async ({ chromium }) => {
  const never = gate<void>();
  await withApp(
    chromium,
    (pid) => startDismissingAgent(pid, () => never.opened),
    async ({ page, host, agent }) => {
      await expect(page.getByRole("heading", { name: "Waiting for your password" })).toBeVisible();
      const asking = descendants(host.pid);
      expect(agent.questions).toEqual([fullQuestion]);
      expect(await host.stop()).toBe(0);
      await expect.poll(() => agent.withdrawn()).toBe(1);
      expect(asking.filter(isAlive)).toEqual([]);
    },
  );
});

test("a shell in a privileged container is asked for by its name, and is not there without the answer", async ({ chromium }) => {
  const name = "e2e-privileged-shell";
  const question = {
    action: "org.lxcdesktop.shell-privileged",
    message: `Authentication is required to open a terminal in ${name}, a privileged container. Whoever may do this can take over this computer.`,
  };
  makeRunningPrivileged(name);
  await withApp(
    chromium,
    (pid) => startPasswordAgent(pid, () => password),
    async ({ page, host, agent }) => {
      await expect(row(page, name)).toContainText("Privileged");
      expect(agent.questions).toEqual([fullQuestion]);
      await agent.close();
      const terminal = page.getByRole("region", { name: `Terminal ${name}` });

      await test.step("dismissed", async () => {
        const dismissing = await startDismissingAgent(host.pid);
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("tab", { name: "Terminal" }).click();
        await expect(terminal).toContainText("The password was not given");
        await expect(terminal).toContainText("you cannot open a terminal in a privileged container");
        await expectNoViolations(page, "terminal, dismissed");
        expect(dismissing.questions).toEqual([question]);
        expect(shellsIn(name)).toEqual([]);
        await dismissing.close();
      });
      await test.step("wrong, and then right", async () => {
        let given = "wrong";
        const asking = await startPasswordAgent(host.pid, () => given);
        await terminal.getByRole("button", { name: "Open again" }).click();
        await expect(terminal).toContainText("The password was not accepted");
        expect(shellsIn(name)).toEqual([]);
        given = password;
        await terminal.getByRole("button", { name: "Open again" }).click();
        await expect(terminal).toContainText("/ #");
        expect(shellsIn(name)).not.toEqual([]);
        expect(asking.questions).toEqual([question, question]);
        await asking.close();
      });
    },
  );
});

test.describe("whoever asked is gone before the answer", () => {
  test("no helper starts", async ({ chromium }) => {
    const answer = gate<string>();
    await withApp(
      chromium,
      (pid) => startPasswordAgent(pid, () => answer.opened),
      async ({ host, agent }) => {
        await expect.poll(() => agent.questions).toEqual([fullQuestion]);
        const asking = descendants(host.pid).filter((pid) => pid !== host.pid);
        expect(asking.map(commandOf)).toEqual([expect.stringContaining("pkexec")]);
        const done = helperLog();
        process.kill(host.pid, "SIGKILL");
        answer.open(password);
        await expect.poll(() => asking.filter(isAlive)).toEqual([]);
        await expect.poll(() => agent.output()).toMatch(/AUTHENTICATION (COMPLETE|FAILED)/);
        expect(helperPids()).toEqual([]);
        expect(done()).not.toContain("started");
      },
    );
  });

  test("no shell opens in a privileged container", async ({ chromium }) => {
    const name = "e2e-privileged-gone";
    makeRunningPrivileged(name);
    const answer = gate<string>();
    await withApp(
      chromium,
      (pid) => startPasswordAgent(pid, ({ action }) => (action === "org.lxcdesktop.full" ? password : answer.opened)),
      async ({ page, host, agent }) => {
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("tab", { name: "Terminal" }).click();
        await expect.poll(() => agent.questions.length).toBe(2);
        const helperAndQuestion = descendants(host.pid).filter((pid) => pid !== host.pid);
        expect(helperAndQuestion.map(commandOf)).toContainEqual(expect.stringContaining("pkcheck"));
        const done = helperLog();
        process.kill(host.pid, "SIGKILL");
        answer.open(password);
        await expect.poll(() => helperAndQuestion.filter(isAlive)).toEqual([]);
        expect(shellsIn(name)).toEqual([]);
        expect(done()).not.toContain("done method=terminal.open");
        expect(lxcLs(name)?.state).toBe("RUNNING");
      },
    );
  });
});

function makeRunningPrivileged(name: string) {
  lxc("lxc-create", "-n", name, "-t", "busybox");
  lxc("lxc-start", "-n", name);
}

const shellsIn = (name: string) => pidsOf(`lxc-attach -n ${name} `);

/** @returns What helpers have written down since. */
function helperLog(): () => string {
  const read = () => readFileSync("/var/log/lxc-desktop.log");
  const { length } = read();
  return () => read().subarray(length).toString();
}
