/**
 * Which terminals draw with the graphics processor. A browser has about 16 such contexts for all of its pages, and takes the oldest one away
 * when there is one more, so only so many are used, by those that are in sight.
 */
export const maxGraphicsContexts = 8;

export type GraphicsBudget = {
  /** A terminal is in sight. @param use Called with whether it may draw so, now and whenever that changes. */
  show(id: string, use: (may: boolean) => void): void;
  /** It is in sight no longer: another one may. */
  hide(id: string): void;
};

export function createGraphicsBudget(most = maxGraphicsContexts): GraphicsBudget {
  const shown = new Map<string, { use(may: boolean): void; may: boolean }>();
  const grant = () => {
    let used = [...shown.values()].filter(({ may }) => may).length;
    for (const terminal of shown.values()) {
      if (terminal.may || used >= most) continue;
      used += 1;
      terminal.may = true;
      terminal.use(true);
    }
  };
  return {
    show(id, use) {
      if (shown.has(id)) return;
      shown.set(id, { use, may: false });
      grant();
    },
    hide(id) {
      const terminal = shown.get(id);
      shown.delete(id);
      if (terminal?.may) terminal.use(false);
      grant();
    },
  };
}
