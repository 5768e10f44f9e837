import { type RefCallback, useCallback, useState } from "react";

/** So far beyond the edge of what is seen something is drawn already. */
const marginPixels = 120;

const listeners = new Map<Element, (isInSight: boolean) => void>();
let observer: IntersectionObserver | undefined;

/** Tells when an element comes into sight and leaves it; one observer does for all. @returns A function that ends it. */
export function onSightChanged(element: Element, listener: (isInSight: boolean) => void): () => void {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) listeners.get(target)?.(isIntersecting);
    },
    { rootMargin: `${marginPixels}px` },
  );
  listeners.set(element, listener);
  observer.observe(element);
  return () => {
    listeners.delete(element);
    observer?.unobserve(element);
  };
}

/** Whether an element can be seen, and the reference that it has to be given. Until that is known it is taken to be so. */
export function useIsInSight(): [reference: RefCallback<HTMLElement>, isInSight: boolean] {
  const [isInSight, setIsInSight] = useState(true);
  const reference = useCallback<RefCallback<HTMLElement>>((element) => (element ? onSightChanged(element, setIsInSight) : undefined), []);
  return [reference, isInSight];
}
