import { Button, Code, Collapse, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useLocation } from "wouter";
import type { EndedAtOnce } from "../../privileged-helper/contract/model.ts";
import type { Problem } from "../../privileged-helper/contract/problems.ts";
import { ownTerminal } from "../backend/own-terminal.ts";
import { useClient } from "../state/connection.ts";
import { openDialog } from "../state/dialogs.ts";
import { CodeBlock } from "./code-block.tsx";
import { CopyTextButton } from "./copy-text-button.tsx";
import { containerPath } from "./paths.ts";
import { explainProblem, type Remedy } from "./problem.ts";
import { explainEarlyEnd } from "./start-cause.ts";

type Props = {
  problem: Problem;
  withTitle?: boolean;
  /** In the middle of an otherwise empty page. */
  isCentered?: boolean;
  /** Does again what failed; without it no button offers that. */
  onRetry?: () => unknown;
};

/** A terminal's own window has no other screens. */
const needsApp: ReadonlySet<Remedy["type"]> = new Set(["go", "fix"]);

/** A problem as a sentence, with what to do about it as buttons, and the details one click away. */
export function ProblemView({ problem, withTitle = true, isCentered = false, onRetry }: Props) {
  const { title, body, remedies, details } = explainProblem(problem);
  const offered = remedies.filter(({ type }) =>
    type === "retry" ? onRetry !== undefined : ownTerminal === undefined || !needsApp.has(type),
  );
  return (
    <Stack gap={isCentered ? "md" : "xs"} align={isCentered ? "center" : "flex-start"}>
      {withTitle && <Text fw={600}>{title}</Text>}
      <Text size={isCentered ? undefined : "sm"} ta={isCentered ? "center" : undefined}>
        {body}
      </Text>
      {offered.length > 0 && (
        <Group gap={isCentered ? "md" : "xs"} justify={isCentered ? "center" : undefined}>
          {offered.map((remedy, index) => (
            <RemedyButton key={remedy.label} remedy={remedy} isFirst={index === 0} onRetry={onRetry} />
          ))}
        </Group>
      )}
      {details && <Details text={details} />}
    </Stack>
  );
}

/** A container that ended as soon as it was started: how, and what it had written. */
export function EarlyEndView({ name, end }: { name: string; end: EndedAtOnce }) {
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm">{explainEarlyEnd(end)}</Text>
      {end.console.trim() !== "" && (
        <Stack gap={4} w="100%">
          <Text size="xs" c="dimmed">
            The end of what it wrote to its console:
          </Text>
          <CodeBlock>{end.console.trim().split("\n").slice(-shownConsoleLines).join("\n")}</CodeBlock>
        </Stack>
      )}
      <RemedyButton remedy={{ type: "go", label: "Show log", to: containerPath(name, "logs") }} isFirst={false} />
    </Stack>
  );
}

const shownConsoleLines = 8;

export function Details({ text }: { text: string }) {
  const [isOpen, { toggle }] = useDisclosure(false);
  return (
    <Stack gap={4} w="100%" align="inherit">
      <Button variant="subtle" size="compact-sm" onClick={toggle} aria-expanded={isOpen} px={4}>
        {isOpen ? "Hide details" : "Show details"}
      </Button>
      <Collapse expanded={isOpen} w="100%">
        <Stack gap={4} align="flex-start">
          <CodeBlock>{text}</CodeBlock>
          <CopyTextButton text={text} label="Copy details" />
        </Stack>
      </Collapse>
    </Stack>
  );
}

function RemedyButton({ remedy, isFirst, onRetry }: { remedy: Remedy; isFirst: boolean; onRetry?: () => unknown }) {
  const client = useClient();
  const [, go] = useLocation();
  const [isRunning, setIsRunning] = useState(false);
  if (remedy.type === "copy") {
    return (
      <Group gap={6}>
        <Code>{remedy.text}</Code>
        <CopyTextButton text={remedy.text} label={remedy.label} />
      </Group>
    );
  }
  const act = async () => {
    if (remedy.type === "fix") return openDialog({ type: "fix-start", problem: remedy.problem });
    if (remedy.type === "go") return go(remedy.to);
    if (remedy.type === "reload") return location.reload();
    setIsRunning(true);
    if (remedy.type === "retry") await onRetry?.();
    // Whether it worked is shown by the session itself.
    else await client.call("session.connect", {}).catch(() => {});
    setIsRunning(false);
  };
  return (
    <Button size="compact-sm" variant={isFirst ? "filled" : "default"} onClick={() => void act()} loading={isRunning}>
      {remedy.label}
    </Button>
  );
}
