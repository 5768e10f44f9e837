import { vi } from "vitest";

/**
 * How many times as long as usual everything takes on the machine that the tests run on. An emulated one says so; what tests wait for
 * may take that much longer there.
 */
export const slowness = Number(process.env.LXC_DESKTOP_TEST_SLOWNESS ?? 1);
const usualMilliseconds = 1_000;

type Options = number | { timeout?: number; interval?: number } | undefined;
function withPatience(options: Options) {
  const { timeout = usualMilliseconds, ...others } = typeof options === "number" ? { timeout: options } : (options ?? {});
  return { ...others, timeout: timeout * slowness };
}

// This is run for each file; where they share a process, the first time is enough.
const done = Symbol.for("lxc-desktop-patience");
if (!(done in vi)) {
  const { waitFor, waitUntil } = vi;
  vi.waitFor = (callback, options) => waitFor(callback, withPatience(options));
  vi.waitUntil = (callback, options) => waitUntil(callback, withPatience(options));
  Object.defineProperty(vi, done, { value: true });
}
