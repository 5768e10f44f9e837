import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { commandOf, descendants, isAlive } from "./processes.ts";
import { asTestUser, testUserEnvironment } from "./test-user.ts";

test("the printed line is what others wait for", async ({ host }) => {
  expect(host.output()).toMatch(/^LXC Desktop is ready at http:\/\/[0-9a-f]{32}\.localhost:\d+\/#[0-9a-f]{64}$/m);
});

test("an address opens once; the tab that has it may be loaded again", async ({ chromium, host }) => {
  const first = await (await chromium.newContext()).newPage();
  await first.goto(host.address);
  await expect(first.getByText("No containers yet")).toBeVisible();
  expect(first.url()).not.toContain(new URL(host.address).hash.slice(1));
  await first.reload();
  await expect(first.getByText("No containers yet")).toBeVisible();
  const second = await (await chromium.newContext()).newPage();
  await second.goto(host.address);
  await expect(second.getByRole("heading", { name: "This address was used already" })).toBeVisible();
  await expectNoViolations(second, "address used already");
  await expect(first.getByText("No containers yet")).toBeVisible();
});

test("a second tab takes over, and the first can take it back", async ({ chromium, host }) => {
  const context = await chromium.newContext();
  const first = await context.newPage();
  await first.goto(host.address);
  await expect(first.getByText("No containers yet")).toBeVisible();
  // A duplicated tab has a copy of the session storage.
  const secret = await first.evaluate(() => Object.entries(sessionStorage));
  const second = await context.newPage();
  await second.addInitScript((entries) => {
    for (const [key, value] of entries) sessionStorage.setItem(key, value);
  }, secret);
  await second.goto(new URL("/", host.address).href);
  await expect(second.getByText("No containers yet")).toBeVisible();
  await expect(first.getByRole("heading", { name: "LXC Desktop is open in another tab" })).toBeVisible();
  await expectNoViolations(first, "open in another tab");
  await first.getByRole("button", { name: "Use it here" }).click();
  await expect(first.getByText("No containers yet")).toBeVisible();
  await expect(second.getByRole("heading", { name: "LXC Desktop is open in another tab" })).toBeVisible();
  await context.close();
});

test("a page whose host has ended says so, and keeps what it showed", async ({ chromium, host }) => {
  const page = await (await chromium.newContext()).newPage();
  await page.goto(host.address);
  await expect(page.getByText("No containers yet")).toBeVisible();
  await host.stop();
  await expect(page.getByRole("alert")).toContainText("There is no connection to LXC Desktop");
  await expect(page.getByText("No containers yet")).toBeVisible();
  await expect(page.getByRole("button", { name: "Create container" })).toBeDisabled();
  await expectNoViolations(page, "host ended");
  await page.context().close();
});

test("a page of another site reaches nothing", async ({ chromium, host }) => {
  const target = new URL(host.address);
  const attacker = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>attacker</title>");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => attacker.once("listening", resolve));
  const context = await chromium.newContext();
  const page = await context.newPage();
  try {
    await page.goto(`http://127.0.0.1:${(attacker.address() as AddressInfo).port}/`);
    const outcome = await page.evaluate(
      async ({ origin, token }) => {
        const tryFetch = (path: string, options?: RequestInit) =>
          fetch(`${origin}${path}`, options).then(
            () => "answered",
            () => "refused",
          );
        const trySocket = () =>
          new Promise<string>((resolve) => {
            const socket = new WebSocket(`${origin.replace("http", "ws")}/socket`);
            socket.onopen = () => {
              socket.send(JSON.stringify({ token }));
            };
            socket.onmessage = () => resolve("answered");
            socket.onclose = () => resolve("refused");
          });
        const tryFrame = () =>
          new Promise<string>((resolve) => {
            const frame = document.createElement("iframe");
            frame.src = `${origin}/`;
            frame.onload = () => {
              try {
                resolve(frame.contentDocument === null ? "opaque" : "readable");
              } catch {
                resolve("opaque");
              }
            };
            document.body.append(frame);
          });
        return {
          get: await tryFetch("/"),
          post: await tryFetch("/", { method: "POST", body: "x" }),
          socket: await trySocket(),
          frame: await tryFrame(),
        };
      },
      { origin: target.origin, token: target.hash.slice(1) },
    );
    expect(outcome).toEqual({ get: "refused", post: "refused", socket: "refused", frame: "opaque" });
    // The attempt with the right token from the wrong place has not used it up.
    await page.goto(host.address);
    await expect(page.getByText("No containers yet")).toBeVisible();
  } finally {
    await context.close();
    attacker.close();
  }
});

test("the page may load nothing but itself and runs no code from elsewhere", async ({ app }) => {
  const reached: string[] = [];
  const elsewhere = createServer((request, response) => {
    reached.push(request.url ?? "");
    response.setHeader("access-control-allow-origin", "*");
    response.end();
  }).listen(0, "127.0.0.1");
  elsewhere.on("upgrade", (request, socket) => {
    reached.push(request.url ?? "");
    socket.destroy();
  });
  await new Promise((resolve) => elsewhere.once("listening", resolve));
  await expect(app.getByText("No containers yet")).toBeVisible();
  const outcome = await app.evaluate(
    async (place) => {
      const refused = new Set<string>();
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => refused.add(effectiveDirective));
      const add = (tag: string, properties: object, to = document.body) =>
        to.append(Object.assign(document.createElement(tag), properties));
      add("script", { textContent: "window.injected = true" });
      add("script", { src: `http://${place}/script.js` });
      add("img", { src: `http://${place}/image.png` });
      add("iframe", { src: `http://${place}/frame` });
      add("object", { data: `http://${place}/object` });
      add("link", { rel: "stylesheet", href: `http://${place}/style.css` }, document.head);
      add("base", { href: `http://${place}/` }, document.head);
      const form = Object.assign(document.createElement("form"), { action: `http://${place}/form`, target: "_blank" });
      document.body.append(form);
      form.submit();
      // What a test evaluates may do more than the page; a timer's text is the page's own.
      setTimeout("window.evaluated = true");
      const fetched = await fetch(`http://${place}/fetch`).then(
        () => "answered",
        () => "refused",
      );
      const connected = await new Promise((resolve) => {
        const socket = new WebSocket(`ws://${place}/socket`);
        socket.onopen = () => resolve("answered");
        socket.onerror = () => resolve("refused");
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { baseURI } = document;
      return {
        injected: "injected" in window,
        evaluated: "evaluated" in window,
        fetched,
        connected,
        baseURI,
        refused: [...refused].sort(),
      };
    },
    `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`,
  );
  elsewhere.close();
  expect(outcome).toEqual({
    injected: false,
    evaluated: false,
    fetched: "refused",
    connected: "refused",
    baseURI: app.url(),
    refused: [
      "base-uri",
      "connect-src",
      "form-action",
      "frame-src",
      "img-src",
      "object-src",
      "script-src",
      "script-src-elem",
      "style-src-elem",
    ],
  });
  expect(reached).toEqual([]);
});

test("no secret is in any process's arguments, and nobody else's program gets an answer", async ({ app, host }) => {
  await expect(app.getByText("No containers yet")).toBeVisible();
  const { hash, port, host: name } = new URL(host.address);
  const token = hash.slice(1);
  const leaks = readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(token);
    } catch {
      return false;
    }
  });
  expect(leaks).toEqual([]);
  const asNobody = execFileSync(
    "/usr/bin/setpriv",
    [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      process.execPath,
      "-e",
      `require("node:http").get({ host: "127.0.0.1", port: ${port}, headers: { host: ${JSON.stringify(name)} } }, (answer) => console.log(String(answer.statusCode))).on("error", (error) => console.log(error.code))`,
    ],
    { encoding: "utf8" },
  );
  // The connection is ended before anything is said; one that had been answered would have printed its status.
  expect(asNobody.trim()).toBe("ECONNRESET");
});

test("the secret of an address is in no place that it goes on to, nor in what the window remembers of where it was", async ({
  app,
  host,
}) => {
  await expect(app.getByText("No containers yet")).toBeVisible();
  const token = new URL(host.address).hash.slice(1);
  const told: string[] = [];
  app.on("request", async (request) => told.push(request.url(), (await request.allHeaders()).referer ?? ""));
  await app.reload();
  await expect(app.getByText("No containers yet")).toBeVisible();
  expect(told.length).toBeGreaterThan(2);
  const seen = await app.evaluate(() => [
    location.href,
    document.title,
    document.referrer,
    ...performance.getEntries().map(({ name }) => name),
  ]);
  expect(JSON.stringify([told, seen])).not.toContain(token);
  expect(seen[2]).toBe("");
  expect(told.filter((_, index) => index % 2 === 1 && told[index] !== "")).toEqual([]);
  const history = await (await app.context().newCDPSession(app)).send("Page.getNavigationHistory");
  expect(history.entries.length).toBeGreaterThan(0);
  expect(JSON.stringify(history)).not.toContain(token);
});

test("npm start prints the address, and Ctrl-C ends everything, as closing the terminal does", async () => {
  for (const signal of ["SIGINT", "SIGHUP"] as const) await startAndEnd(signal);
});

async function startAndEnd(signal: NodeJS.Signals) {
  const child = spawn("npm", ["start", "--silent", "--", "--web", "--no-open", "--port", "0"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", (text: Buffer) => {
      output += text;
      if (output.includes("LXC Desktop is ready at ")) resolve();
    });
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await ready;
  const before = descendants(child.pid ?? 0);
  expect(before.length).toBeGreaterThan(1);
  // As the terminal does it: to the whole foreground process group.
  process.kill(-(child.pid ?? 0), signal);
  await exited;
  await expect.poll(() => before.filter(isAlive)).toEqual([]);
}

test("closing the window ends everything", async () => {
  const display = `:${90 + Math.floor(Math.random() * 100)}`;
  const server = spawn("/usr/bin/Xvfb", [display, "-screen", "0", "1280x800x24", "-nolisten", "tcp"], { stdio: "ignore" });
  try {
    await expect.poll(() => existsSync(`/tmp/.X11-unix/X${display.slice(1)}`)).toBe(true);
    const [file, args] = asTestUser(process.execPath, [`${process.env.LXC_DESKTOP_TEST_BUILD}/dist/web/main.mjs`]);
    const child = spawn(file, args, {
      cwd: "/",
      env: { ...testUserEnvironment(), DISPLAY: display },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    // The browser, and the helper that its page made ready.
    const family = () => descendants(child.pid ?? 0);
    await expect
      .poll(() => family().filter((pid) => commandOf(pid).includes("--type=renderer")).length, { timeout: 30_000 })
      .toBeGreaterThan(0);
    const all = family();
    expect(all.map(commandOf).filter((command) => command.includes("--no-sandbox"))).toEqual([]);
    const browser = all.find((pid) => commandOf(pid).includes("--app=file://") && !commandOf(pid).includes("--type="));
    process.kill(browser ?? 0, "SIGTERM");
    expect(await exited).toBe(0);
    expect(readdirSync(testUserEnvironment().XDG_RUNTIME_DIR ?? "").filter((name) => name.startsWith("lxc-desktop"))).toEqual([]);
    await expect.poll(() => all.filter(isAlive)).toEqual([]);
  } finally {
    server.kill();
    await new Promise((resolve) => server.once("exit", resolve));
  }
});
