import { useEffect, useState } from "react";

/**
 * True while there is more of a scrolled element's content below what can be seen.
 * @param element Null while it is not there yet.
 */
export function useMoreBelow(element: HTMLElement | null): boolean {
  const [hasMore, setHasMore] = useState(false);
  useEffect(() => {
    if (!element) return;
    // Heights are whole pixels, and how far it is scrolled is not.
    const look = () => setHasMore(element.scrollHeight - element.clientHeight - element.scrollTop > 1);
    const observer = new ResizeObserver(look);
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [element]);
  return hasMore;
}
