import { Code, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { CopyTextButton } from "./copy-text-button.tsx";
import { formatCommand } from "./format.ts";

/** Text of a machine, as it is; the keyboard reaches it, so that a long one can be scrolled. */
export function CodeBlock({ label, role = "group", children }: { label?: string; role?: "group" | "log"; children: ReactNode }) {
  return (
    <Code block className="details" tabIndex={0} role={label ? role : undefined} aria-label={label}>
      {children}
    </Code>
  );
}

/** Commands under a title, to be read and copied. */
export function CommandBlock({ title, label, commands }: { title: string; label: string; commands: readonly string[][] }) {
  const text = commands.map(formatCommand).join("\n");
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <CopyTextButton text={text} label={commands.length === 1 ? "Copy command" : "Copy commands"} />
      </Group>
      <CodeBlock label={label}>{text}</CodeBlock>
    </div>
  );
}
