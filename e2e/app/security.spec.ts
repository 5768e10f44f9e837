import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { closeNews, createContainer, expect, flip, test } from "./fixtures.ts";
import { lxc, lxcLs, lxcPath } from "./lxc.ts";
import { setRule } from "./test-user.ts";

const name = "e2e-safe";
const config = () => readFileSync(join(lxcPath, name, "config"), "utf8");
const check = (app: Page, title: string) => app.getByRole("listitem", { name: title, exact: true });
const openTab = async (app: Page) => {
  await app.getByRole("link", { name, exact: true }).click();
  await app.getByRole("tab", { name: "Security" }).click();
  await expect(app.getByRole("list", { name: `Security checks of ${name}` })).toBeVisible();
};

test.describe("is it safe?", () => {
  test.setTimeout(180_000);

  test("a container that runs: what is found, a fix with a restart, its undo, and a risk that is accepted", async ({ app }) => {
    await setRule({ granted: ["full", "limited", "view", "manage", "create", "configure", "shell", "configure-raw"] });
    await createContainer(app, name);
    await closeNews(app);
    await openTab(app);
    await expect(check(app, "Root inside and outside")).toContainText("OK");
    await expect(check(app, "Limit of processes")).toContainText("Warning");
    await check(app, "Root inside and outside")
      .getByRole("button", { name: /^Details/ })
      .click();
    await expect(app.getByRole("list", { name: "Evidence for Root inside and outside" })).toContainText("uid_map: 0 inside is");
    await expectNoViolations(app, "the checks of a container");

    await app.getByRole("button", { name: "Fix Limit of processes" }).click();
    const dialog = app.getByRole("dialog", { name: `Fix Limit of processes of ${name}` });
    await dialog.getByRole("textbox", { name: "Processes and threads" }).fill("321");
    await expect(dialog.getByRole("group", { name: "Changes" })).toContainText("pids.max = 321");
    await expect(dialog).toContainText("shut down and started again");
    await expectNoViolations(app, "a fix");
    await dialog.getByRole("button", { name: "Fix and restart" }).click();
    await expect(check(app, "Limit of processes")).toContainText("at most 321 processes", { timeout: 60_000 });
    await expect(check(app, "Limit of processes")).toContainText("OK");
    expect(lxcLs(name)?.state).toBe("RUNNING");
    expect(config()).toMatch(/^lxc\.cgroup2?\.pids\.max = 321$/m);
    await closeNews(app);

    await app.getByRole("button", { name: "More about Limit of processes" }).click();
    await app.getByRole("menuitem", { name: "Undo the fix" }).click();
    await app
      .getByRole("dialog", { name: "Undo the fix of Limit of processes?" })
      .getByRole("button", { name: "Undo and restart" })
      .click();
    await expect(check(app, "Limit of processes")).toContainText("Warning", { timeout: 60_000 });
    expect(config()).not.toContain("pids.max");
    await closeNews(app);

    await app.getByRole("button", { name: "More about Limit of memory" }).click();
    await app.getByRole("menuitem", { name: "Accept this risk" }).click();
    const accept = app.getByRole("dialog", { name: "Accept the risk of Limit of memory" });
    await expect(accept.getByRole("button", { name: "Accept", exact: true })).toBeDisabled();
    await accept.getByRole("textbox", { name: "Why it stays as it is" }).fill("It is alone on this computer.");
    await expectNoViolations(app, "a risk");
    await accept.getByRole("button", { name: "Accept", exact: true }).click();
    await expect(check(app, "Limit of memory")).toContainText("It is alone on this computer.");
    await expect(check(app, "Limit of memory")).toContainText("Warning");
  });

  test("updates inside: nobody knows, then its package manager says, and they are installed", async ({ app }) => {
    await setRule({ granted: ["full", "limited", "view", "manage", "create", "configure", "shell"] });
    await createContainer(app, name);
    await closeNews(app);
    // Alpine's package manager, as far as it is asked for anything.
    const apk = [
      "#!/bin/sh",
      'case "$*" in',
      '"upgrade --simulate") [ -e /updated ] || echo "(1/1) Upgrading musl (1.2.4 -> 1.2.5)" ;;',
      "upgrade) : >/updated ;;",
      "esac",
    ];
    writeFileSync(join(lxcPath, name, "rootfs/sbin/apk"), `${apk.join("\n")}\n`, { mode: 0o755 });
    await openTab(app);
    await expect(check(app, "Updates inside")).toContainText("Nobody has looked for updates yet.");
    await app.getByRole("button", { name: "Updates inside: look now" }).click();
    await expect(check(app, "Updates inside")).toContainText("One security update is not installed: musl.", { timeout: 60_000 });
    await expectNoViolations(app, "updates");
    await app.getByRole("button", { name: `Update ${name} now` }).click();
    await expect(check(app, "Updates inside")).toContainText("Everything is as new as its distribution has it.", { timeout: 60_000 });
    await expect(app.getByRole("button", { name: `Update ${name} now` })).toBeHidden();
  });

  test("a privileged container becomes unprivileged, and privileged again once somebody says yes to that", async ({ app }) => {
    await setRule({ granted: ["full", "limited", "view", "manage", "create", "configure", "shell", "configure-raw", "shell-privileged"] });
    await createContainer(app, name, { start: false, privileged: true });
    await closeNews(app);
    await openTab(app);
    const title = "Root inside and outside";
    await expect(check(app, title)).toContainText("Problem");
    await app.getByRole("button", { name: `Fix ${title}` }).click();
    const dialog = app.getByRole("dialog", { name: `Fix ${title} of ${name}` });
    await dialog.getByRole("radio", { name: "They are given other owners" }).check();
    await expect(dialog).toContainText("files are given to other owners", { timeout: 30_000 });
    await expect(dialog.getByRole("group", { name: "Changes" })).toContainText("lxc.idmap = u 0");
    await expectNoViolations(app, "a conversion");
    await dialog.getByRole("button", { name: "Fix", exact: true }).click();
    await expect(check(app, title)).toContainText("OK", { timeout: 60_000 });
    const first = Number(/^lxc\.idmap = u 0 (\d+) 65536$/m.exec(config())?.[1]);
    expect(statSync(join(lxcPath, name, "rootfs")).uid).toBe(first);
    await closeNews(app);

    await app.getByRole("button", { name: `More about ${title}` }).click();
    await app.getByRole("menuitem", { name: "Make it privileged" }).click();
    const confirm = app.getByRole("dialog", { name: `Make ${name} privileged?` });
    await expect(confirm).toContainText("whoever breaks out of it is root here");
    await expectNoViolations(app, "a container that is to be privileged");
    await confirm.getByRole("button", { name: "Make it privileged" }).click();
    await expect(check(app, title)).toContainText("Problem", { timeout: 60_000 });
    expect(statSync(join(lxcPath, name, "rootfs")).uid).toBe(0);
    expect(config()).not.toContain("lxc.idmap");
    await closeNews(app);

    await app.getByRole("button", { name: `More about ${title}` }).click();
    await app.getByRole("menuitem", { name: "Undo the fix" }).click();
    await app
      .getByRole("dialog", { name: `Undo the fix of ${title}?` })
      .getByRole("button", { name: "Undo" })
      .click();
    await expect(check(app, title)).toContainText("OK", { timeout: 60_000 });
    expect(statSync(join(lxcPath, name, "rootfs")).uid).toBe(first);
  });

  test("all containers, the worst first, and the kernel that they share; filtered, and as a file", async ({ app }) => {
    const main = app.getByRole("navigation", { name: "Main" });
    await createContainer(app, name, { start: false });
    await createContainer(app, "e2e-worse", { start: false });
    const worse = join(lxcPath, "e2e-worse", "config");
    writeFileSync(worse, `${readFileSync(worse, "utf8")}lxc.mount.entry = /etc mnt none bind 0 0\n`);
    await main.getByRole("link", { name: "Security" }).click();
    const rows = app.getByRole("list", { name: "Containers by grade" }).getByRole("listitem").filter({ hasText: "e2e-" });
    await expect(rows).toHaveCount(2);
    await expect(app.getByRole("list", { name: "Security checks of this computer" }).getByRole("listitem").first()).toBeVisible();
    await expect(rows.first()).toContainText("Grade F");
    await expect(rows.first()).toContainText("/etc of this computer is in it");
    await expectNoViolations(app, "all containers");
    const saved = async (item: RegExp) => {
      await app.getByRole("button", { name: "Export" }).click();
      const download = app.waitForEvent("download");
      await app.getByRole("menuitem", { name: item }).click();
      return readFileSync(await (await download).path());
    };
    const report = JSON.parse((await saved(/^JSON/)).toString());
    expect(report).toMatchObject({ format: "lxc-desktop-security/1", host: { grade: expect.any(String) } });
    expect(report.containers.find((one: { name: string }) => one.name === "e2e-worse")).toMatchObject({ grade: "F" });
    expect((await saved(/^PDF/)).subarray(0, 5).toString()).toBe("%PDF-");
    await app.getByRole("searchbox", { name: "Filter containers" }).fill("safe");
    await expect(rows).toHaveCount(1);
    await app.getByRole("combobox", { name: "Grades that are shown" }).selectOption("F");
    await expect(app.getByText("No container is like that.")).toBeVisible();
    await app.getByRole("searchbox", { name: "Filter containers" }).fill("e2e");
    await expect(rows).toHaveCount(1);
    await rows.first().getByRole("link", { name: "e2e-worse" }).click();
    await expect(check(app, "Files of this computer in it")).toContainText("Critical");
  });

  test("one that is made hardened: what is turned on is said before, and found after; capabilities one by one, marks, a read-only system", async ({
    app,
  }) => {
    await setRule({ granted: ["full", "limited", "view", "manage", "create", "configure", "shell", "configure-raw"] });
    await app.getByRole("button", { name: "Create container" }).click();
    const created = app.getByRole("dialog", { name: "Create container" });
    await created.getByRole("textbox", { name: "Name" }).fill(name);
    await created.getByRole("button", { name: "Next" }).click();
    await flip(created.getByRole("switch", { name: "Hardened" }));
    await expect(created.getByRole("list", { name: "What is turned on" })).toContainText("A stricter filter of system calls");
    await expectNoViolations(app, "what hardening turns on");
    await created.getByRole("button", { name: "Review" }).click();
    await expect(created.getByRole("table", { name: "What will be made" })).toContainText("All that isolates it is turned on");
    await expect(created.getByRole("group", { name: "Configuration" })).toContainText("strict.seccomp");
    await created.getByRole("button", { name: "Create", exact: true }).click();
    await expect.poll(() => lxcLs(name)?.state, { timeout: 60_000 }).toBe("RUNNING");
    await closeNews(app);
    await openTab(app);
    await expect(app.getByText(/Grade [AB]/).first()).toBeVisible();
    await expect(check(app, "System calls")).toContainText("OK");

    await app
      .getByRole("button", { name: "More about Capabilities" })
      .or(app.getByRole("button", { name: "Fix Capabilities" }))
      .first()
      .click();
    const choose = app.getByRole("menuitem", { name: "Choose one by one…" });
    if (await choose.isVisible()) await choose.click();
    const capabilities = app.getByRole("dialog", { name: `Fix Capabilities of ${name}` });
    await capabilities.getByRole("radio", { name: "A choice of your own" }).check();
    await capabilities.getByRole("button", { name: "What its init needs" }).click();
    await capabilities.getByRole("checkbox", { name: /^chown/ }).check();
    await expect(capabilities).toContainText("5 of 41 chosen.");
    await expect(capabilities.getByRole("group", { name: "Changes" })).toContainText("lxc.cap.keep = chown kill setgid setuid sys_boot");
    await capabilities.getByRole("checkbox", { name: /^kill/ }).uncheck();
    await expect(capabilities).toContainText("Its init may miss kill.");
    await expectNoViolations(app, "capabilities one by one");
    // Linux 6.14 and later.
    if (readFileSync("/proc/kallsyms", "utf8").includes("trace_event_raw_event_cap_capable")) {
      await test.step("the rights that it uses are watched, and chosen by that", async () => {
        await capabilities.getByRole("button", { name: "Watch what it uses" }).click();
        await expect(capabilities.getByRole("status")).toContainText("Let it do all of its usual work meanwhile.");
        lxc("lxc-attach", "-n", name, "--", "sh", "-c", "sleep 2; touch /tmp/mine; chown 1000 /tmp/mine");
        await expect(capabilities.getByRole("status")).toContainText("it used chown");
        await expect(capabilities.getByRole("checkbox", { name: /^chown.*used it/ })).toBeVisible();
        await capabilities.getByRole("button", { name: "Stop watching" }).click();
        await expect(capabilities.getByRole("status")).toContainText("While it was watched");
        await capabilities.getByRole("button", { name: "Choose what it used and its init needs" }).click();
        await expect(capabilities.getByRole("checkbox", { name: /^kill/ })).toBeChecked();
        await expectNoViolations(app, "capabilities that were used");
      });
    }
    await capabilities.getByRole("button", { name: "Cancel" }).click();

    const stray = join(lxcPath, name, "rootfs", "stray");
    writeFileSync(stray, "");
    chmodSync(stray, 0o4755);
    await app.getByRole("button", { name: "Check again" }).click();
    await app.getByRole("button", { name: "Fix Programs with more rights" }).click();
    const marks = app.getByRole("dialog", { name: `Fix Programs with more rights of ${name}` });
    await expect(marks.getByRole("checkbox", { name: /^\/stray/ })).toBeChecked();
    await expect(marks.getByRole("group", { name: "Changes" })).toContainText("4755 /stray (SUID)");
    await expectNoViolations(app, "marks of files");
    await marks.getByRole("button", { name: "Fix", exact: true }).click();
    await expect.poll(() => statSync(stray).mode & 0o7777).toBe(0o755);
    await expect(check(app, "Programs with more rights")).toContainText("OK", { timeout: 60_000 });
    await closeNews(app);
    await app.getByRole("button", { name: "More about Programs with more rights" }).click();
    await app.getByRole("menuitem", { name: "Undo the fix" }).click();
    await app
      .getByRole("dialog", { name: /^Undo the fix/ })
      .getByRole("button", { name: "Undo", exact: true })
      .click();
    await expect.poll(() => statSync(stray).mode & 0o7777).toBe(0o4755);
    await expect(check(app, "Programs with more rights")).not.toContainText("OK", { timeout: 60_000 });
    await closeNews(app);

    await app.getByRole("button", { name: "Fix Read-only system" }).click();
    const places = app.getByRole("dialog", { name: `Fix Read-only system of ${name}` });
    await places.getByRole("button", { name: "Look what it has written" }).click();
    await expect(places.getByRole("status")).toContainText("since its start");
    await places.getByRole("textbox", { name: "Another folder" }).fill("/proc/x");
    await expect(places).toContainText("Type a folder such as");
    await places.getByRole("textbox", { name: "Another folder" }).fill("/root");
    await places.getByRole("textbox", { name: "Another folder" }).press("Enter");
    await expect(places.getByRole("list", { name: "Writable places" })).toContainText("/root");
    await expect(places.getByRole("group", { name: "Changes" })).toContainText("writable/root root none bind");
    await expectNoViolations(app, "writable places");
    await places.getByRole("button", { name: "Fix and restart" }).click();
    await expect(check(app, "Read-only system")).toContainText("cannot be changed while it runs", { timeout: 60_000 });
    await expect(check(app, "Read-only system")).toContainText("OK");
    expect(config()).toContain("lxc.rootfs.options = ro,");
  });
});
