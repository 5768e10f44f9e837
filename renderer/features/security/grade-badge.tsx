import { VisuallyHidden } from "@mantine/core";
import type { Grade } from "../../../privileged-helper/contract/security.ts";

/** A grade as a letter, with a colour beside it that says nothing more. */
export function GradeBadge({ grade, size = "md" }: { grade: Grade; size?: "md" | "lg" }) {
  return (
    <span className="grade" data-grade={grade} data-size={size}>
      <VisuallyHidden>Grade </VisuallyHidden>
      {grade}
    </span>
  );
}
