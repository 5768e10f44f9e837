import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { operationVariable } from "../journal.ts";
import { processIds, readProcFile } from "../lxc/proc.ts";
import { bundleHelper } from "./helper-client.ts";

/**
 * Makes a container as a process of its own (`create-container.ts`), which a test can kill half-way.
 * @param others What is asked for otherwise than a plain busybox container.
 * @param ends It is killed or cancelled before it changes the disk, or starts a program, for so many times.
 */
export type StartCreating = (name: string, others?: object, ends?: { by: "killed" | "cancelled"; before: number }) => ChildProcess;

/** @param state The folder of the helper's state; the program is put there, too. */
export async function prepareCreating(lxcPath: string, state: string): Promise<StartCreating> {
  const script = await bundleHelper(join(state, "program"), join(import.meta.dirname, "create-container.ts"));
  return (name, others = {}, ends) => {
    const args = [lxcPath, state, name, JSON.stringify(others), ...(ends ? [ends.by, String(ends.before)] : [])];
    return spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  };
}

/** Processes that carry the mark of a helper's unfinished work. */
export function workersOf({ pid: helper }: ChildProcess): number[] {
  return processIds().filter((pid) => readProcFile(`/proc/${pid}/environ`)?.includes(`${operationVariable}=${helper}.`));
}
