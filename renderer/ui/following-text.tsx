import { useEffect, useRef } from "react";

/** Closer to the end than this, the view follows what is added. */
const followWithinPixels = 40;

type Props = {
  label: string;
  className?: string;
  wraps?: boolean;
  /** What is shown, and followed. */
  text: string;
};

/** Text that grows at its end. Its end stays in sight, until the person scrolls away from it. */
export function FollowingText({ label, className = "log-text", wraps = true, text }: Props) {
  const view = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the view follows whenever the text has changed
  useEffect(() => {
    const element = view.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [text]);
  return (
    <pre
      ref={view}
      className={className}
      data-wraps={wraps || undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      role="log"
      aria-label={label}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollHeight - clientHeight - scrollTop < followWithinPixels;
      }}
    >
      {text}
    </pre>
  );
}
