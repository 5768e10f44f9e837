import { constants } from "node:os";
import { join } from "node:path";
import { lastValueOf, readEffectiveConfig } from "./config.ts";
import { readProcFile } from "./proc.ts";

/** The first real-time signal that programs have: glibc keeps two of the kernel's for itself (signal(7)). */
const firstRealTimeSignal = 34;
const systemdHalts = firstRealTimeSignal + 3;
/** A program that has not said by then what it takes is taken to be as it wants to be. */
const patienceMilliseconds = 2000;
const checkMilliseconds = 20;

/**
 * The signals by which LXC asks a container's init to end: the configured one, or else SIGRTMIN+3 where init takes it, as systemd does,
 * and SIGPWR otherwise (lxc.container.conf(5), lxc.signal.halt; lxcapi_shutdown in LXC's lxccontainer.c).
 * @param configured A name with or without `SIG`, `SIGRTMIN+3`, or a number.
 * @returns Numbers; none where the name is not known.
 */
export function haltSignals(configured: string | undefined): number[] {
  if (configured === undefined) return [constants.signals.SIGPWR, systemdHalts];
  if (/^\d+$/.test(configured)) return [Number(configured)];
  const name = configured.toUpperCase().replace(/^(?!SIG)/, "SIG");
  const [, realTime] = /^SIGRTMIN\+(\d+)$/.exec(name) ?? [];
  if (realTime !== undefined) return [firstRealTimeSignal + Number(realTime)];
  const number = constants.signals[name as NodeJS.Signals];
  return number === undefined ? [] : [number];
}

/** @returns Whether a process catches one of these signals, waits for it blocked (signalfd(2)), or ignores it, by its `/proc/PID/status` (proc(5)). */
export function hasDecidedAbout(signals: readonly number[], status: string): boolean {
  const masks = [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s+([0-9a-f]{1,16})$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
  return signals.some((signal) => masks.some((mask) => (mask >> BigInt(signal - 1)) & 1n));
}

/**
 * Waits until a container's init can hear that it is asked to end. The kernel drops what an init has not asked for
 * (pid_namespaces(7)), and one that has just been started has not yet: it would be waited for in vain.
 */
export async function waitUntilInitListens(lxcPath: string, name: string, initPid: number, signal: AbortSignal): Promise<void> {
  const signals = haltSignals(configuredHaltSignal(lxcPath, name));
  const until = performance.now() + patienceMilliseconds;
  while (signals.length > 0 && !signal.aborted && performance.now() < until) {
    const status = readProcFile(`/proc/${initPid}/status`);
    if (status === undefined || hasDecidedAbout(signals, status)) return;
    await new Promise((resolve) => setTimeout(resolve, checkMilliseconds));
  }
}

function configuredHaltSignal(lxcPath: string, name: string): string | undefined {
  try {
    return lastValueOf(readEffectiveConfig(join(lxcPath, name, "config")).entries, "lxc.signal.halt");
  } catch {
    // What cannot be read says nothing; LXC holds what it was started with anyway.
    return undefined;
  }
}
