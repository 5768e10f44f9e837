import { type ComponentType, type LazyExoticComponent, lazy } from "react";

/** Over ten seconds: so long the network may change again and again where many containers are started at once. */
const attempts = 8;
const pauseMilliseconds = 400;
const longestPauses = 5;

/**
 * A part of the app that is loaded when it is first shown. React remembers for good that loading has failed, so what does not come at once,
 * because the computer has too much to do for instance, is asked for again before that.
 * @param load Resolves to the module's component.
 */
// biome-ignore lint/suspicious/noExplicitAny: as React has it
export function later<T extends ComponentType<any>>(load: () => Promise<T>): LazyExoticComponent<T> {
  return lazy(async () => ({ default: await loadPatiently(load) }));
}

/** @throws What the last attempt threw. */
export async function loadPatiently<T>(load: () => Promise<T>, pause = pauseMilliseconds): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await load();
    } catch (error) {
      if (attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(attempt, longestPauses) * pause));
    }
  }
}
