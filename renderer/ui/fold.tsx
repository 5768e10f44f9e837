import { Button, Collapse, Stack } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";

type Props = { label: string /** What is refused is never hidden. */; hasErrors: boolean; children: ReactNode };

/** Fields that most people leave as they are, one click away. */
export function Fold({ label, hasErrors, children }: Props) {
  const id = useId();
  const [isOpen, setIsOpen] = useState(false);
  const isExpanded = isOpen || hasErrors;
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-sm"
        px={4}
        rightSection={isExpanded ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        aria-expanded={isExpanded}
        aria-controls={id}
        onClick={() => setIsOpen(!isExpanded)}
      >
        {label}
      </Button>
      <Collapse expanded={isExpanded} id={id}>
        <Stack mt="xs" pl="md" className="more-options">
          {children}
        </Stack>
      </Collapse>
    </div>
  );
}
