import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, createContainer, expect, row, test } from "./fixtures.ts";
import { burnCpu, lxc, lxcLs } from "./lxc.ts";
import { slowness } from "./machine.ts";

const patience = { timeout: 40_000 * slowness };
const figure = (app: Page, name: string): Locator => app.getByRole("figure", { name, exact: true });
const cursor = (app: Page, name: string): Locator => app.getByRole("slider", { name: `Time in the chart ${name}` });

/** The number before the unit in a chart's own words. */
async function percentOf(chart: Locator): Promise<number> {
  return Number(/([\d.]+) %/.exec((await chart.textContent()) ?? "")?.[1]);
}

/** What is painted, as one text: another picture is another one. */
function pictureOf(chart: Locator): Promise<string> {
  return chart.locator("canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
}

/** How far up anything is painted at the right end, where the newest is: 0 to 1. */
function heightAtTheEnd(chart: Locator): Promise<number> {
  return chart.locator("canvas").evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const width = Math.ceil(canvas.width / 20);
    const pixels = canvas.getContext("2d")?.getImageData(canvas.width - width, 0, width, canvas.height).data ?? [];
    for (let index = 3; index < pixels.length; index += 4)
      if ((pixels[index] ?? 0) > 60) return 1 - Math.floor(index / 4 / width) / canvas.height;
    return 0;
  });
}

/** Sends a container bytes that nobody there waits for. @returns A function that ends it. */
function sendTo(address: string): () => void {
  const socket = createSocket("udp4");
  const packet = Buffer.alloc(1_400);
  const timer = setInterval(() => {
    for (let count = 0; count < 20; count++) socket.send(packet, 9, address, () => {});
  }, 10);
  socket.on("error", () => {});
  return () => {
    clearInterval(timer);
    socket.close();
  };
}

async function download(app: Page, item: string): Promise<{ name: string; bytes: Buffer }> {
  await app.getByRole("button", { name: "Export" }).click();
  const [file] = await Promise.all([app.waitForEvent("download"), app.getByRole("menuitem", { name: item }).click()]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

test.describe("charts", () => {
  test.setTimeout(240_000 * slowness);

  test("move under load, stop, are zoomed into, reach back, and can be taken along", async ({ app }, info) => {
    const name = "e2e-charts";
    await createContainer(app, name);
    // Told once: the container's DHCP client takes it away for a moment when it starts.
    let address = "";
    await expect
      .poll(() => {
        address = lxcLs(name)?.ipv4 ?? "";
        return address;
      })
      .toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    await app.getByRole("link", { name, exact: true }).click();
    await app.getByRole("tab", { name: "Metrics" }).click();
    await app.getByRole("radiogroup", { name: "Time range" }).getByText("1 min", { exact: true }).click();
    const [cpu, memory, network, disk] = ["CPU", "Memory", "Network", "Disk I/O"].map((title) => figure(app, title)) as [
      Locator,
      Locator,
      Locator,
      Locator,
    ];
    await expect(cpu).toContainText(/\d %/);
    const stops: (() => void)[] = [];
    try {
      await test.step("CPU, memory and network rise", async () => {
        await expect.poll(() => pictureOf(cpu), patience).not.toBe("");
        const memoryBefore = await bytesOf(memory);
        stops.push(burnCpu(name), sendTo(address));
        // A file in memory is the container's own.
        lxc(
          "lxc-attach",
          "-n",
          name,
          "--",
          "/bin/sh",
          "-c",
          "mkdir -p /dev/shm && dd if=/dev/zero of=/dev/shm/full bs=1M count=60 2>/dev/null",
        );
        lxc("lxc-attach", "-n", name, "--", "/bin/sh", "-c", "dd if=/dev/zero of=/written bs=1M count=20 conv=fsync 2>/dev/null");
        await expect.poll(() => percentOf(cpu), patience).toBeGreaterThan(50);
        await expect.poll(() => heightAtTheEnd(cpu), patience).toBeGreaterThan(0.2);
        await expect.poll(() => bytesOf(memory), patience).toBeGreaterThan(memoryBefore + 40 * 1024 ** 2);
        await expect(network).toContainText(/[\d.]+ MiB\/s/, patience);
        await expect(disk).toContainText(/B\/s|Not available on this host/);
        const before = await pictureOf(cpu);
        await expect.poll(() => pictureOf(cpu), patience).not.toBe(before);
      });
      await test.step("what is paused stays, and goes on", async () => {
        await app.getByRole("button", { name: "Pause" }).click();
        const paused = await pictureOf(cpu);
        await app.waitForTimeout(3_000);
        expect(await pictureOf(cpu)).toBe(paused);
        await app.getByRole("button", { name: "Go on" }).click();
        await expect.poll(() => pictureOf(cpu), patience).not.toBe(paused);
      });
      await test.step("the keyboard reads and zooms", async () => {
        await cursor(app, "CPU").focus();
        for (let presses = 0; presses < 3; presses++) await app.keyboard.press("ArrowLeft");
        await expect(cursor(app, "CPU")).toHaveAttribute("aria-valuetext", /^\d\d:\d\d:\d\d: Total [\d.]+ %/);
        for (let presses = 0; presses < 20; presses++) await app.keyboard.press("Shift+ArrowLeft");
        await app.keyboard.press("Enter");
        await expect(app.getByRole("button", { name: "Reset zoom" })).toBeVisible();
        await app.getByRole("button", { name: "Reset zoom" }).click();
        await expect(app.getByRole("button", { name: "Pause" })).toBeVisible();
      });
      await test.step("so does a drag, and one cursor is in every chart", async () => {
        const box = await cursor(app, "CPU").boundingBox();
        if (!box) throw new Error("the chart is not there");
        await app.mouse.move(box.x + box.width * 0.7, box.y + 40);
        await expect(app.locator(".chart-cursor")).not.toHaveCount(1);
        await app.mouse.down();
        await app.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 4 });
        await app.mouse.up();
        await expect(app.getByRole("button", { name: "Reset zoom" })).toBeVisible();
        await cursor(app, "CPU").dblclick();
        await expect(app.getByRole("button", { name: "Reset zoom" })).toBeHidden();
      });
      await test.step("another range reaches back further", async () => {
        await expect(cpu).toContainText("−1 min");
        await app.getByRole("radiogroup", { name: "Time range" }).getByText("24 h", { exact: true }).click();
        await expect(cpu).toContainText("−1 d");
        await app.getByRole("radiogroup", { name: "Time range" }).getByText("1 min", { exact: true }).click();
      });
      await test.step("a table and a picture can be kept", async () => {
        test.skip(info.project.name === "electron", "Electron asks where to keep a file");
        const csv = await download(app, "As a table (CSV)");
        expect(csv.name).toMatch(/^e2e-charts, .*\.csv$/);
        const [head = "", ...rows] = csv.bytes.toString("utf8").trimEnd().split("\r\n");
        const columns = head.split(",");
        expect(columns).toEqual(
          expect.arrayContaining(["time (UTC)", "CPU: Total (% of one core)", "Network: Received (bytes per second)"]),
        );
        expect(rows.length).toBeGreaterThan(10);
        const times = rows.map((line) => line.split(",")[0] ?? "");
        for (const time of times) expect(new Date(time).toISOString()).toBe(time);
        expect(times).toEqual([...times].sort());
        const burnt = rows.map((line) => Number(line.split(",")[columns.indexOf("CPU: Total (% of one core)")]));
        expect(Math.max(...burnt)).toBeGreaterThan(50);
        const png = await download(app, "As a picture (PNG)");
        expect(png.name).toMatch(/\.png$/);
        expect(png.bytes.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
        expect(png.bytes.readUInt32BE(20)).toBeGreaterThan(1_000);
      });
    } finally {
      for (const stop of stops) stop();
    }
    await expect.poll(() => percentOf(cpu), patience).toBeLessThan(20);
  });

  test("compare containers side by side", async ({ app }) => {
    await createContainer(app, "e2e-one");
    await createContainer(app, "e2e-two", { cloneFrom: "e2e-one" }).catch(() => createContainer(app, "e2e-two"));
    await app.getByRole("link", { name: "Compare" }).click();
    await expect(app.getByText("Nothing to compare yet")).toBeVisible();
    const choice = app.getByRole("combobox", { name: "Containers" });
    for (const name of ["e2e-one", "e2e-two"]) {
      await choice.click();
      await app.getByRole("option", { name, exact: true }).click();
    }
    await app.keyboard.press("Escape");
    const cpu = figure(app, "CPU");
    await expect(cpu).toContainText("e2e-one");
    await expect(cpu).toContainText("e2e-two");
    const stop = burnCpu("e2e-two");
    try {
      await expect
        .poll(async () => Number(/e2e-two\s*([\d.]+) %/.exec((await cpu.textContent()) ?? "")?.[1]), patience)
        .toBeGreaterThan(50);
      expect(Number(/e2e-one\s*([\d.]+) %/.exec((await cpu.textContent()) ?? "")?.[1])).toBeLessThan(30);
      const before = await pictureOf(cpu);
      await expect.poll(() => pictureOf(cpu), patience).not.toBe(before);
      await expectNoViolationsInBothThemes(app, "compare");
    } finally {
      stop();
    }
  });

  test("of the host show what the computer does, and a table that sorts shows who takes most", async ({ app }) => {
    await createContainer(app, "e2e-idle");
    await createContainer(app, "e2e-busy");
    await closeNews(app);
    const stop = burnCpu("e2e-busy");
    try {
      await app.getByRole("link", { name: "Host" }).click();
      await app.getByRole("tab", { name: "Metrics" }).click();
      const cpu = figure(app, "CPU");
      await expect.poll(() => percentOf(cpu), patience).toBeGreaterThan(20);
      await expect(cpu).toContainText("All containers", patience);
      await expect(figure(app, "Memory")).toContainText(/\d GiB|\d MiB/);
      const table = app.getByRole("table", { name: "Containers that take most" });
      const first = table.getByRole("rowheader").first();
      await expect(first).toHaveText("e2e-busy", patience);
      await table.getByRole("button", { name: "Container" }).click();
      await expect(table.getByRole("columnheader", { name: "Container" })).toHaveAttribute("aria-sort", "ascending");
      const names = await table.getByRole("rowheader").allTextContents();
      expect(names).toEqual(names.toSorted());
      await table.getByRole("button", { name: "CPU" }).click();
      await expect(first).toHaveText("e2e-busy", patience);
      await expectNoViolationsInBothThemes(app, "host's metrics");
      await first.getByRole("link").click();
      await expect(app.getByRole("tab", { name: "Metrics", selected: true })).toBeVisible();
    } finally {
      stop();
    }
  });

  test("axe finds nothing in a container's metrics, wide and narrow", async ({ app }) => {
    await createContainer(app, "e2e-axe");
    await closeNews(app);
    await app.getByRole("link", { name: "e2e-axe", exact: true }).click();
    await app.getByRole("tab", { name: "Metrics" }).click();
    await expect(figure(app, "CPU")).toContainText(/\d %/);
    await expect(figure(app, "Pressure")).toContainText(/of the time|Not available on this host/);
    await expectNoViolationsInBothThemes(app, "metrics");
    await app.setViewportSize({ width: 400, height: 800 });
    await expectNoViolationsInBothThemes(app, "metrics, narrow");
    expect(await app.locator("main").evaluate((main) => main.scrollWidth <= main.clientWidth)).toBe(true);
  });
});

test("a rule about a figure marks the container while it is so, and says when it is over", async ({ app }) => {
  test.setTimeout(240_000 * slowness);
  const name = "e2e-rule";
  await createContainer(app, name);
  await closeNews(app);
  await addCpuRule(app, { abovePercent: "12", forSeconds: "0" });
  await app.getByRole("link", { name: "Containers", exact: true }).click();
  const mark = row(app, name).getByRole("button", { name: /^Alert: e2e-rule uses \d+ % of its CPU/ });
  const stop = burnCpu(name);
  try {
    await expect(mark).toBeVisible(patience);
  } finally {
    stop();
  }
  await mark.click();
  await expect(app.getByText(/over since/)).toBeVisible(patience);
  await app.getByRole("button", { name: "Dismiss" }).click();
  await expect(mark).toBeHidden();
});

test("a rule is made, changed, switched off and deleted; a container that stops by itself is marked until that is seen", async ({
  app,
}) => {
  const name = "e2e-alert";
  await createContainer(app, name);
  await closeNews(app);
  await addCpuRule(app, { container: name, abovePercent: "85" });
  const rule = app.getByRole("switch", { name: `${name} uses more than 85 % of its CPU limit for 60 s` });
  await expect(rule).toBeChecked();
  await rule.press("Space");
  await expect(rule).not.toBeChecked();
  await app.getByRole("button", { name: `Change “${name} uses more than 85 % of its CPU limit for 60 s”` }).click();
  await app.getByRole("form", { name: "Change the rule" }).getByRole("textbox", { name: "For at least" }).fill("5");
  await expectNoViolationsInBothThemes(app, "a rule that is changed");
  await app.getByRole("form", { name: "Change the rule" }).getByRole("button", { name: "Save" }).click();
  await app.getByRole("button", { name: `Delete “${name} uses more than 85 % of its CPU limit for 5 s”` }).click();
  await expect(app.getByRole("switch", { name: /uses more than 85 %/ })).toHaveCount(0);

  await app.getByRole("link", { name: "Containers", exact: true }).click();
  await expect(row(app, name)).toContainText("Running");
  // Nobody has asked for it, as it is when a container crashes.
  process.kill(Number(lxc("lxc-info", "-n", name, "-p", "-H").trim()), "SIGKILL");
  const mark = row(app, name).getByRole("button", { name: /^Alert: e2e-alert has stopped/ });
  await expect(mark).toBeVisible(patience);
  await expectNoViolationsInBothThemes(app, "list with an alert");
  await mark.click();
  await app.getByRole("button", { name: "Dismiss" }).click();
  await expect(mark).toBeHidden();
});

type CpuRule = { /** Absent: all. */ container?: string; abovePercent: string /** Absent: as the form has it. */; forSeconds?: string };
async function addCpuRule(app: Page, { container, abovePercent, forSeconds }: CpuRule) {
  await app.getByRole("link", { name: "Settings" }).click();
  await app.getByRole("button", { name: "Add rule" }).click();
  const form = app.getByRole("form", { name: "New rule" });
  const choose = async (field: string, option: string) => {
    await form.getByRole("combobox", { name: field }).click();
    await app.getByRole("option", { name: option, exact: true }).click();
  };
  await choose("Tell me when", "CPU is nearly used up");
  if (container !== undefined) await choose("In", container);
  await form.getByRole("textbox", { name: "Above" }).fill(abovePercent);
  if (forSeconds !== undefined) await form.getByRole("textbox", { name: "For at least" }).fill(forSeconds);
  await form.getByRole("button", { name: "Add" }).click();
}

/** The memory that stands beside the chart's name. */
async function bytesOf(chart: Locator): Promise<number> {
  const [, figure, unit = ""] = /([\d.]+) (KiB|MiB|GiB)/.exec((await chart.textContent()) ?? "") ?? [];
  return Number(figure) * { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[unit as "KiB"];
}
