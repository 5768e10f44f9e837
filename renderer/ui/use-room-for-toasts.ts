import { useEffect, useState } from "react";

const gap = 8;

/**
 * While a dialog is open toasts are above it: they may hide nothing of it, least of all its buttons.
 * @param inside Something that is as wide as the dialog; null while it is not there yet.
 * @returns How far down those reach that are in its way; 0 where none is.
 */
export function useRoomForToasts(inside: HTMLElement | null): number {
  const [end, setEnd] = useState(0);
  useEffect(() => {
    const toasts = document.querySelector(".mantine-Notifications-root[data-position='bottom-right']");
    const look = () => {
      const theirs = toasts?.getBoundingClientRect();
      const own = inside?.getBoundingClientRect();
      const isInTheWay = theirs && own && theirs.height > 0 && theirs.left < own.right && theirs.right > own.left;
      setEnd(isInTheWay ? Math.ceil(theirs.bottom) + gap : 0);
    };
    const observer = new ResizeObserver(look);
    if (toasts) observer.observe(toasts);
    addEventListener("resize", look);
    return () => {
      observer.disconnect();
      removeEventListener("resize", look);
    };
  }, [inside]);
  return end;
}
