import { type RefCallback, useCallback, useState } from "react";

/** Whether an element is narrower than that, and the reference that it has to be given. */
export function useIsNarrow(pixels: number): [reference: RefCallback<HTMLElement>, isNarrow: boolean] {
  const [isNarrow, setIsNarrow] = useState(() => innerWidth < pixels);
  const reference = useCallback<RefCallback<HTMLElement>>(
    (element) => {
      if (!element) return;
      const observer = new ResizeObserver(() => setIsNarrow(element.clientWidth < pixels));
      observer.observe(element);
      return () => observer.disconnect();
    },
    [pixels],
  );
  return [reference, isNarrow];
}
