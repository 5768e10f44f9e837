import { type RefCallback, useCallback, useState } from "react";

/** An element's width in whole pixels, 0 until it is known, and the reference that it has to be given. */
export function useWidth(): [reference: RefCallback<HTMLElement>, width: number] {
  const [width, setWidth] = useState(0);
  const reference = useCallback<RefCallback<HTMLElement>>((element) => {
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [reference, width];
}
