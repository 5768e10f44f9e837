import { Alert, Anchor, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "wouter";
import { countOf, problemsText, useHostChecks } from "../../state/host-checks.ts";

/** Where the first container could not start: how many things are in the way, and the way to them. */
export function NotReadyNotice() {
  const { checks } = useHostChecks();
  const problems = checks ? countOf(checks, "problem") : 0;
  if (problems === 0) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} ta="left">
      <Text size="sm" fw={600}>
        {problemsText(problems)}
      </Text>
      <Anchor component={Link} href="/host" size="sm" c="inherit" underline="always">
        {problems === 1 ? "See what it is, and mend it" : "See what they are, and mend them"}
      </Anchor>
    </Alert>
  );
}
