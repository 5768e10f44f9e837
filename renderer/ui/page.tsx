import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";

/** A page with its heading, which takes the focus when the page is opened, so that screen readers say where one is. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – LXC Desktop`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div className="page">
      <Group justify="space-between" mb="md" wrap="wrap" gap="sm">
        <Title order={1} size="h2" ref={heading} tabIndex={-1} className="page-title">
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </div>
  );
}

type EmptyStateProps = {
  icon: ReactNode;
  title: string;
  /** True where the page has no other heading. */
  isPage?: boolean;
  children: ReactNode;
  action?: ReactNode;
};

/** What stands where there is nothing yet: what this is, and what to do. */
export function EmptyState({ icon, title, isPage = false, children, action }: EmptyStateProps) {
  return (
    <div className="empty">
      <span aria-hidden>{icon}</span>
      <Title order={isPage ? 1 : 2} size="h4">
        {title}
      </Title>
      <div className="empty-text">{children}</div>
      {action}
    </div>
  );
}
