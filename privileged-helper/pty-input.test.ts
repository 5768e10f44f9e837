import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node-pty";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPtyInput, maxWaitingInputBytes } from "./pty-input.ts";

/** A real terminal in which a program runs. */
function terminal(...command: string[]) {
  const [file = "", ...args] = command;
  const pty = spawn(file, args, { encoding: null });
  const { fd } = pty as unknown as { fd: number };
  let printed = "";
  pty.onData((data) => {
    printed += String(data);
  });
  return { pty, fd, printed: () => printed };
}

describe("what is typed", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lxc-desktop-input-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("arrives whole and in order, however much faster it comes than it is read", async () => {
    const file = join(folder, "typed");
    const { pty, fd, printed } = terminal("/bin/sh", "-c", `stty raw -echo; echo ready; exec head -c 300000 >${file}`);
    const ended = new Promise((resolve) => pty.onExit(resolve));
    await vi.waitFor(() => expect(printed()).toContain("ready"));
    const input = createPtyInput({ fd, isOpen: () => true, isListening: () => true });
    const bytes = Buffer.from(randomBytes(150_000).toString("hex"));
    for (let at = 0; at < bytes.length; at += 7000) expect(input.write(bytes.subarray(at, at + 7000))).toBe(true);
    await ended;
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(input.waitingBytes()).toBe(0);
  });

  it("is kept up to a limit where nothing is read, and not beyond", async () => {
    const { pty, fd, printed } = terminal("/bin/sh", "-c", "stty raw -echo; echo ready; sleep 600");
    await vi.waitFor(() => expect(printed()).toContain("ready"));
    const input = createPtyInput({ fd, isOpen: () => true, isListening: () => true });
    const piece = new Uint8Array(256 * 1024);
    let taken = 0;
    while (input.write(piece)) taken += piece.length;
    expect(taken).toBeGreaterThanOrEqual(maxWaitingInputBytes - piece.length);
    expect(taken).toBeLessThanOrEqual(maxWaitingInputBytes + piece.length);
    expect(input.waitingBytes()).toBeLessThanOrEqual(maxWaitingInputBytes);
    input.end();
    expect(input.waitingBytes()).toBe(0);
    pty.kill("SIGKILL");
  });

  it("waits until whoever sets up the terminal is done, which throws away what was typed before", async () => {
    const { pty, fd, printed } = terminal("/bin/sh", "-c", "stty raw -echo; echo ready; exec cat");
    await vi.waitFor(() => expect(printed()).toContain("ready"));
    let isListening = false;
    const input = createPtyInput({ fd, isOpen: () => true, isListening: () => isListening });
    for (const piece of ["typed ", "early"]) expect(input.write(Buffer.from(piece))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(input.waitingBytes()).toBe(11);
    expect(printed()).not.toContain("typed");
    isListening = true;
    await vi.waitFor(() => expect(printed()).toContain("typed early"));
    expect(input.waitingBytes()).toBe(0);
    pty.kill("SIGKILL");
  });

  it("never gets into another file that has the number of the terminal now", async () => {
    const file = join(folder, "other");
    const { pty, fd, printed } = terminal("/bin/sh", "-c", "stty raw -echo; echo ready; sleep 600");
    await vi.waitFor(() => expect(printed()).toContain("ready"));
    let isOpen = true;
    const input = createPtyInput({ fd, isOpen: () => isOpen, isListening: () => true });
    expect(input.write(new Uint8Array(1024 * 1024))).toBe(true);
    expect(input.waitingBytes()).toBeGreaterThan(0);
    const ended = new Promise((resolve) => pty.onExit(resolve));
    pty.kill("SIGKILL");
    await ended;
    isOpen = false;
    // The kernel gives out the lowest free number, so one of these is the terminal's.
    const others: number[] = [];
    do others.push(openSync(file, "a"));
    while (!others.includes(fd) && others.length < 100);
    expect(others).toContain(fd);
    expect(input.write(new Uint8Array(10))).toBe(true);
    await vi.waitFor(() => expect(input.waitingBytes()).toBe(0));
    expect(readFileSync(file)).toHaveLength(0);
    for (const other of others) closeSync(other);
  });
});
