import { Portal } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useEffect, useRef, useState } from "react";

const openDelayMilliseconds = 400;
const marginPixels = 8;

type Hint = { text: string; left: number; top: number; isBelow: boolean };

/**
 * Shows what the thing under the pointer, or the one with the focus, says of itself in `data-hint`. One for all that is inside: with
 * a tooltip of its own for each of a thousand buttons a long table would take seconds to appear. Screen readers get the same
 * from the buttons' names and descriptions.
 */
export function HintArea({ children }: { children: ReactNode }) {
  const [hint, setHint] = useState<Hint>();
  const timer = useRef<number>(undefined);
  const hide = () => {
    clearTimeout(timer.current);
    setHint(undefined);
  };
  const showFor = (event: SyntheticEvent, delay: number) => {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-hint]") : null;
    hide();
    if (!element) return;
    timer.current = setTimeout(() => {
      const text = element.dataset.hint;
      if (text === undefined || !element.isConnected) return;
      const { left, width, top, bottom } = element.getBoundingClientRect();
      const isBelow = top < 60;
      setHint({ text, left: left + width / 2, top: isBelow ? bottom + marginPixels : top - marginPixels, isBelow });
    }, delay);
  };
  const isShown = hint !== undefined;
  useEffect(() => {
    if (!isShown) return;
    const close = () => setHint(undefined);
    const onKeyDown = ({ key }: KeyboardEvent) => key === "Escape" && close();
    addEventListener("scroll", close, { capture: true });
    addEventListener("keydown", onKeyDown);
    return () => {
      removeEventListener("scroll", close, { capture: true });
      removeEventListener("keydown", onKeyDown);
    };
  }, [isShown]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it listens to what is inside, and does nothing itself
    <div
      onPointerOver={(event) => event.pointerType === "mouse" && showFor(event, openDelayMilliseconds)}
      onPointerLeave={hide}
      onPointerDown={hide}
      onFocus={(event) => event.target.matches(":focus-visible") && showFor(event, 0)}
      onBlur={hide}
    >
      {children}
      {hint && (
        <Portal>
          <div className="hint" data-below={hint.isBelow || undefined} style={{ left: hint.left, top: hint.top }} aria-hidden>
            {hint.text}
          </div>
        </Portal>
      )}
    </div>
  );
}
