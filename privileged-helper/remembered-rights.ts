import type { Action } from "./contract/methods.ts";
import type { RememberedRight } from "./contract/model.ts";

/** How long an answer for an action that is root by another name is remembered, per container. */
const rememberMilliseconds = 5 * 60_000;

/** Answers that are not asked for again for a while; gone with the helper. */
export type RememberedRights = {
  add(action: Action, container: string | undefined): void;
  has(action: Action, container: string | undefined): boolean;
  list(): RememberedRight[];
  forget(): void;
};

export function createRememberedRights(now = () => performance.now()): RememberedRights {
  const ends = new Map<string, { action: Action; container: string | undefined; endsAt: number }>();
  const keyOf = (action: Action, container: string | undefined) => `${action} ${container ?? ""}`;
  return {
    add(action, container) {
      ends.set(keyOf(action, container), { action, container, endsAt: now() + rememberMilliseconds });
    },
    has(action, container) {
      return (ends.get(keyOf(action, container))?.endsAt ?? 0) > now();
    },
    list() {
      return [...ends.values()]
        .filter(({ endsAt }) => endsAt > now())
        .map(({ action, container, endsAt }) => ({ action, container, until: Date.now() + Math.round(endsAt - now()) }));
    },
    forget: () => ends.clear(),
  };
}
