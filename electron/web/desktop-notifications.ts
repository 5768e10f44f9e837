import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { isExecutable } from "../backend/is-executable.ts";

/**
 * Notifications of the desktop without Electron: by the session bus, as the Desktop Notifications Specification has it. A browser would ask for its
 * permission anew at each start, because the page has another address each time.
 * @returns Resolves with false where it was not taken.
 */
export type DesktopNotifier = (notification: { title: string; body: string }) => Promise<boolean>;

export type DesktopNotifierOptions = {
  environment?: NodeJS.ProcessEnv;
  /** Programs that can call a method on a bus, the best first. */
  programs?: readonly string[];
};

const service = "org.freedesktop.Notifications";
const path = "/org/freedesktop/Notifications";
const appName = "LXC Desktop";
/** Of assets/: with it a desktop knows the icon, and whose notifications a person has switched off. */
const desktopEntry = "org.lxcdesktop.app";
/** `busctl` is part of systemd, `gdbus` of GLib. */
const knownPrograms = ["/usr/bin/busctl", "/usr/bin/gdbus"];
const answerWithinMilliseconds = 5_000;

/** @returns undefined where this session has no bus, nothing on it that shows notifications, or no program to ask with. */
export async function findDesktopNotifier({
  environment = process.env,
  programs = knownPrograms,
}: DesktopNotifierOptions = {}): Promise<DesktopNotifier | undefined> {
  const address = busAddress(environment);
  const program = programs.find(isExecutable);
  if (address === undefined || program === undefined) return undefined;
  const capabilities = await call(program, address, "GetCapabilities");
  if (capabilities === undefined) return undefined;
  const hasMarkup = capabilities.includes("body-markup");
  return async ({ title, body }) => {
    const [shownTitle, shownBody] = [withoutControls(title), withoutControls(body)];
    return (await call(program, address, "Notify", [shownTitle, hasMarkup ? escaped(shownBody) : shownBody])) !== undefined;
  };
}

function busAddress({ DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string | undefined {
  if (DBUS_SESSION_BUS_ADDRESS) return DBUS_SESSION_BUS_ADDRESS;
  // Where systemd has it, also for programs that were not told (sd_bus_open_user(3)).
  const socket = XDG_RUNTIME_DIR && isAbsolute(XDG_RUNTIME_DIR) ? join(XDG_RUNTIME_DIR, "bus") : undefined;
  return socket !== undefined && existsSync(socket) ? `unix:path=${socket}` : undefined;
}

/** @param texts Title and body of `Notify`. @returns What the program has printed; undefined where it failed. */
function call(
  program: string,
  address: string,
  method: "GetCapabilities" | "Notify",
  texts?: [string, string],
): Promise<string | undefined> {
  const args = program.endsWith("busctl") ? busctlArguments(address, method, texts) : gdbusArguments(address, method, texts);
  const options = { timeout: answerWithinMilliseconds, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" } };
  return new Promise((resolve) => execFile(program, args, options, (error, output) => resolve(error ? undefined : output)));
}

/** Notify(app_name, replaces_id, app_icon, summary, body, actions, hints, expire_timeout); -1: as long as the desktop likes. */
const notifySignature = "susssasa{sv}i";

function busctlArguments(address: string, method: string, texts: [string, string] | undefined): string[] {
  // With `--user` it would look for a bus of its own choice first.
  const target = [`--address=${address}`, "call", "--", service, path, service, method];
  return texts ? [...target, notifySignature, appName, "0", "", ...texts, "0", "1", "desktop-entry", "s", desktopEntry, "-1"] : target;
}

function gdbusArguments(address: string, method: string, texts: [string, string] | undefined): string[] {
  const target = ["call", "--address", address, "--dest", service, "--object-path", path, "--method", `${service}.${method}`];
  if (!texts) return target;
  const hints = `{'desktop-entry': <${quoted(desktopEntry)}>}`;
  return [...target, quoted(appName), "uint32 0", "''", ...texts.map(quoted), "@as []", hints, "int32 -1"];
}

/** As GVariant's text format has it: otherwise a text would be read as a value, if it looks like one. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&").replaceAll("\n", "\\n")}'`;
}

/** What a body may have of markup is a subset of HTML. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Names come from containers. */
function withoutControls(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, "");
}
