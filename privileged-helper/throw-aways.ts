import type { Operations } from "./lxc/operations.ts";

/**
 * How long throw-away containers live: as long as the last terminal in them, and as there is a page, or one may still come. What ends them
 * is told by those who have the terminals and the page.
 */
export type ThrowAways = {
  tryOut: Operations["tryOut"];
  opened(channel: number, name: string): void;
  closed(channel: number): void;
  /** A page is gone, and another one may come: it finds the terminals, and what has none is nobody's. */
  pageGone(): void;
  /** No page comes any more. */
  abandoned(): void;
  /** Settles when those are removed that had to go, or it takes too long: then the next helper does it. */
  settled(): Promise<void>;
};

const settleMilliseconds = 20_000;

export function createThrowAways({ tryOut, triedOut, discard }: Pick<Operations, "tryOut" | "triedOut" | "discard">): ThrowAways {
  const terminals = new Map<number, string>();
  const ending = new Set<Promise<void>>();
  let pages = 0;

  const end = (name: string) => {
    if (!triedOut().includes(name)) return;
    // What fails is shown as a task.
    const ended = discard(name)
      .catch(() => {})
      .finally(() => ending.delete(ended));
    ending.add(ended);
  };

  return {
    async tryOut(source, signal, rights) {
      const page = pages;
      const made = await tryOut(source, signal, rights);
      // Nobody is there any more who would see it.
      if (page !== pages) end(made.name);
      return made;
    },
    opened(channel, name) {
      terminals.set(channel, name);
    },
    closed(channel) {
      const name = terminals.get(channel);
      terminals.delete(channel);
      if (name !== undefined && ![...terminals.values()].includes(name)) end(name);
    },
    pageGone() {
      pages += 1;
      const inUse = new Set(terminals.values());
      for (const name of triedOut()) if (!inUse.has(name)) end(name);
    },
    abandoned() {
      pages += 1;
      terminals.clear();
      for (const name of triedOut()) end(name);
    },
    async settled() {
      let patience: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        patience = setTimeout(resolve, settleMilliseconds);
      });
      await Promise.race([Promise.all(ending), late]);
      clearTimeout(patience);
    },
  };
}
