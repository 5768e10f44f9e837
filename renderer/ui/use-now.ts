import { useSyncExternalStore } from "react";

/** The time now, again every so many milliseconds while the page is visible. All that ask for the same pace share one timer. */
export function useNow(everyMilliseconds: number): number {
  const { subscribe, read } = clockOf(everyMilliseconds);
  return useSyncExternalStore(subscribe, read);
}

export const minute = 60_000;
/** Each look at which there is another minute for some container has the window painted. */
const minuteLooks = 20_000;

/** Whole minutes since then. Whoever asks is drawn again only when there is another one. */
export function useMinutesSince(time: number): number {
  const { subscribe, read } = clockOf(minuteLooks);
  return useSyncExternalStore(subscribe, () => Math.max(0, Math.floor((read() - time) / minute)));
}

type Clock = { subscribe(listener: () => void): () => void; read(): number };

const clocks = new Map<number, Clock>();

function clockOf(everyMilliseconds: number): Clock {
  const known = clocks.get(everyMilliseconds);
  if (known) return known;
  const listeners = new Set<() => void>();
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = () => {
    if (document.hidden) return;
    now = Date.now();
    for (const listener of listeners) listener();
  };
  const clock: Clock = {
    subscribe(listener) {
      listeners.add(listener);
      if (timer === undefined) {
        now = Date.now();
        timer = setInterval(tick, everyMilliseconds);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    // Between subscriptions nothing ticks: whoever comes first gets the present.
    read() {
      if (timer === undefined && Date.now() - now >= everyMilliseconds) now = Date.now();
      return now;
    },
  };
  clocks.set(everyMilliseconds, clock);
  return clock;
}
