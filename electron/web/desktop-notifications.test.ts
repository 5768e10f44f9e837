import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Message, type MessageBus, sessionBus, type Variant } from "@jellybrick/dbus-next";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDesktopNotifier } from "./desktop-notifications.ts";

/** A session bus as it is, and something on it that takes notifications as a desktop would. */
let folder: string;
let daemon: ChildProcess;
let environment: { DBUS_SESSION_BUS_ADDRESS: string };
let desktop: MessageBus | undefined;
let shown: unknown[][];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bus-"));
  shown = [];
  const address = `unix:path=${join(folder, "bus")}`;
  daemon = spawn("/usr/bin/dbus-daemon", ["--session", "--nofork", "--nopidfile", `--address=${address}`, "--print-address"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  environment = { DBUS_SESSION_BUS_ADDRESS: String((await once(daemon.stdout as NonNullable<typeof daemon.stdout>, "data"))[0]).trim() };
});
afterEach(async () => {
  desktop?.disconnect();
  desktop = undefined;
  const ended = once(daemon, "exit");
  daemon.kill();
  await ended;
  rmSync(folder, { recursive: true });
});

async function showNotifications(...capabilities: string[]) {
  desktop = sessionBus({ busAddress: environment.DBUS_SESSION_BUS_ADDRESS });
  const bus = desktop;
  bus.addMethodHandler((message) => {
    if (message.interface !== "org.freedesktop.Notifications") return false;
    if (message.member === "Notify") shown.push(message.body);
    const [signature, reply] = message.member === "Notify" ? ["u", shown.length] : ["as", capabilities];
    bus.send(Message.newMethodReturn(message, signature as string, [reply]));
    return true;
  });
  await bus.requestName("org.freedesktop.Notifications", 0);
}

const hostile = { title: `-t "x' & <i>web</i>\\`, body: "<b>it's</b> \\n & \"more\"\u0000\u001b[31m\u202e\n-1 'uint32 5'" };
const clean = "<b>it's</b> \\n & \"more\"[31m\n-1 'uint32 5'";

describe.each(["/usr/bin/busctl", "/usr/bin/gdbus"])("by %s", (program) => {
  const find = () => findDesktopNotifier({ environment, programs: [join(folder, "none"), program] });

  it("a notification is shown as it is written, whatever it is", async () => {
    await showNotifications("body", "actions");
    const notify = await find();
    expect(await notify?.(hostile)).toBe(true);
    expect(shown).toEqual([["LXC Desktop", 0, "", hostile.title, clean, [], expect.anything(), -1]]);
    const hints = shown[0]?.[6] as { "desktop-entry": Variant } | undefined;
    expect(hints?.["desktop-entry"].value).toBe("org.lxcdesktop.app");
  });

  it("nothing of it is markup where the desktop knows some", async () => {
    await showNotifications("body", "body-markup");
    expect(await (await find())?.(hostile)).toBe(true);
    expect(shown[0]?.slice(3, 5)).toEqual([hostile.title, clean.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")]);
  });

  it("none is promised where nothing shows it, and it is told where that has gone", async () => {
    expect(await find()).toBeUndefined();
    await showNotifications("body");
    const notify = await find();
    desktop?.disconnect();
    expect(await notify?.(hostile)).toBe(false);
  });
});

it("needs a bus and a program", async () => {
  await showNotifications("body");
  expect(await findDesktopNotifier({ environment: {} })).toBeUndefined();
  expect(await findDesktopNotifier({ environment: { XDG_RUNTIME_DIR: "bus" } })).toBeUndefined();
  expect(await findDesktopNotifier({ environment, programs: [] })).toBeUndefined();
  expect(await findDesktopNotifier({ environment: { XDG_RUNTIME_DIR: folder } })).toBeTypeOf("function");
});
