import { Alert, Badge, Button, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useEffect } from "react";
import { type Action, actions, actionsOfFullMode } from "../../../privileged-helper/contract/methods.ts";
import type { RememberedRight, RightAnswer, Rights, Session } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { useClient } from "../../state/connection.ts";
import { useSession } from "../../state/session.ts";
import { formatDuration } from "../../ui/format.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { rightSentences } from "../../ui/right-text.ts";
import { showProblem } from "../../ui/toasts.tsx";
import { useNow } from "../../ui/use-now.ts";
import { heldRights, rightAnswerText } from "./rights-text.ts";

type Mode = Extract<Session, { state: "ready" }>["mode"];

const ask = (client: Client) => client.call("rights.get", {});
const second = 1_000;

const introductions: Record<Mode, string> = {
  root: "This app runs as root, so it may do everything and nobody is asked.",
  full: "One password covers the everyday rights, until the window is locked or closed. What could take over this computer is asked for each time.",
  limited: "This computer's rules decide about each thing that you do. A rule may say something else for single containers.",
};

/** What the person may do, what was granted for a while, and how to give it back. */
export function RightsPanel() {
  const { session } = useSession();
  const { answer: rights, problem, askAgain } = useAnswer(ask);
  useEffect(() => {
    window.addEventListener("focus", askAgain);
    return () => window.removeEventListener("focus", askAgain);
  }, [askAgain]);
  if (session.state !== "ready") return <Text>What you may do is shown while the app is connected to its helper.</Text>;
  if (problem) {
    return (
      <Alert color="red">
        <ProblemView problem={problem} onRetry={askAgain} />
      </Alert>
    );
  }
  return (
    <Stack maw={760} gap="lg">
      <Text size="sm">{introductions[session.mode]}</Text>
      {rights ? (
        <RightsTable rights={rights} mode={session.mode} />
      ) : (
        <Skeleton height={360} role="status" aria-label="Loading your rights" />
      )}
      {rights && session.mode !== "root" && <Held rights={rights} mode={session.mode} onChanged={askAgain} />}
    </Stack>
  );
}

const answerColors: Record<RightAnswer, string> = { granted: "teal", asks: "blue", refused: "gray", unknown: "yellow" };

function RightsTable({ rights, mode }: { rights: Rights; mode: Mode }) {
  return (
    <Table aria-label="Your rights" verticalSpacing="xs" withTableBorder>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">What</Table.Th>
          <Table.Th scope="col">You</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {actions.map((action) => {
          const isCovered = mode === "full" && actionsOfFullMode.includes(action);
          const answer = isCovered ? "granted" : (rights.answers[action] ?? "unknown");
          return (
            <Table.Tr key={action}>
              <Table.Th scope="row" fw={400}>
                {rightSentences[action]}
                {isRootEquivalent(action) && (
                  <Text size="xs" c="dimmed">
                    Whoever may do this can take over this computer.
                  </Text>
                )}
              </Table.Th>
              <Table.Td>
                <Badge variant="light" color={answerColors[answer]} tt="none" className="right-answer">
                  {rightAnswerText(answer, isRootEquivalent(action))}
                </Badge>
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

function isRootEquivalent(action: Action): boolean {
  return !actionsOfFullMode.includes(action);
}

/** What is not asked for again for a while. */
function Held({ rights, mode, onChanged }: { rights: Rights; mode: Mode; onChanged: () => void }) {
  const client = useClient();
  const now = useNow(second);
  const held = heldRights(rights, now);
  const giveBack = () => client.call("rights.giveBack", {}).then(onChanged, showProblem);
  return (
    <section aria-labelledby="held-rights">
      <Title order={2} size="h5" mb="xs" id="held-rights">
        Granted for a while
      </Title>
      <Stack gap="xs" align="flex-start">
        {held.length === 0 ? (
          <Text size="sm">
            {mode === "full" ? "Nothing besides the everyday rights." : "Nothing: no password that was given is remembered."}
          </Text>
        ) : (
          <ul className="held-rights">
            {held.map((right) => (
              <li key={`${right.action} ${right.container}`}>{heldText(right, now)}</li>
            ))}
          </ul>
        )}
        {rights.kept === undefined && (
          <Text size="sm" c="dimmed">
            polkit itself may remember a password for some minutes more. In this session it cannot be asked what it remembers.
          </Text>
        )}
        <Group gap="xs">
          {held.length > 0 && (
            <Button variant="default" size="xs" onClick={() => void giveBack()}>
              Give these back
            </Button>
          )}
          <Button variant="default" size="xs" onClick={() => void client.call("session.lock", {}).catch(showProblem)}>
            Give everything back and lock
          </Button>
        </Group>
      </Stack>
    </section>
  );
}

function heldText({ action, container, until }: RememberedRight, now: number): string {
  const sentence = (rightSentences as Record<string, string>)[action] ?? "Use LXC Desktop";
  return `${sentence}${container === undefined ? "" : `: ${container}`}, for ${formatDuration(until - now)}`;
}
