import { vi } from "vitest";

/**
 * How many times as long as usual everything takes on the machine that the tests run on. An emulated one says so; what tests wait for
 * may take that much longer there.
 */
const slowness = Number(process.env.LXC_DESKTOP_TEST_SLOWNESS ?? 1);
const usualMilliseconds = 1_000;

type Options = number | { timeout?: number; interval?: number } | undefined;
function withPatience(options: Options) {
  const { timeout = usualMilliseconds, ...others } = typeof options === "number" ? { timeout: options } : (options ?? {});
  return { ...others, timeout: timeout * slowness };
}

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, withPatience(options));
vi.waitUntil = (callback, options) => waitUntil(callback, withPatience(options));
