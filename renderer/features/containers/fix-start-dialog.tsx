import { Alert, Button, Code, Group, Loader, Modal, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { useState } from "react";
import type { HostCheck, HostCheckName } from "../../../privileged-helper/contract/model.ts";
import type { Problem } from "../../../privileged-helper/contract/problems.ts";
import type { StartFix } from "../../../privileged-helper/contract/start-causes.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { formatCommand } from "../../ui/format.ts";
import { explainProblem } from "../../ui/problem.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { warnAboutFix } from "../../ui/start-cause.ts";
import { hideStartProblem, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";

type StartFailed = Extract<Problem, { code: "start-failed" }>;

/** Shows what a fix does, to the line and the command, and does it: then the container is started again. */
export function FixStartDialog({ problem }: { problem: StartFailed }) {
  const { name, cause, fix } = problem;
  const client = useClient();
  const [isReady, setIsReady] = useState(fix.kind === "container");
  const warning = warnAboutFix(fix);

  const fixAndStart = async () => {
    closeDialog();
    hideStartProblem(name);
    try {
      if (fix.kind === "host") await client.call("host.fix", { check: fix.check });
      else await client.call("containers.repair", { name, cause: cause.id });
    } catch (error) {
      return showProblem(error);
    }
    await performAction(client, "start", name);
  };

  return (
    <Modal opened onClose={closeDialog} title={`Fix ${name}`} size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">{explainProblem(problem).body}</Text>
        {fix.kind === "container" && <ContainerFix name={name} fix={fix} />}
        {fix.kind === "host" && <HostFix check={fix.check} onKnown={setIsReady} />}
        {warning && (
          <Alert
            color={warning.isDangerous ? "red" : "yellow"}
            icon={warning.isDangerous ? <IconAlertTriangle aria-hidden /> : <IconInfoCircle aria-hidden />}
          >
            {warning.text}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={closeDialog}>
            Cancel
          </Button>
          <Button
            data-autofocus={!warning?.isDangerous || undefined}
            color={warning?.isDangerous ? "red" : undefined}
            disabled={!isReady}
            onClick={() => void fixAndStart()}
          >
            Fix and start
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function ContainerFix({ name, fix: { removes, adds, commands } }: { name: string; fix: Extract<StartFix, { kind: "container" }> }) {
  const changes = [...removes.map((line) => `- ${line}`), ...adds.map((line) => `+ ${line}`)];
  return (
    <>
      {changes.length > 0 && (
        <Stack gap={4}>
          <Text size="sm">This is changed in the configuration of {name}:</Text>
          <Code block className="details" tabIndex={0} role="group" aria-label="Changes">
            {changes.join("\n")}
          </Code>
        </Stack>
      )}
      {commands.length > 0 && <Commands commands={commands} />}
    </>
  );
}

const askChecks = (client: Client) => client.call("host.checks", {});

/** What is wrong with this computer, and the commands that mend it, as the Host page has them. */
function HostFix({ check, onKnown }: { check: HostCheckName; onKnown(canBeFixed: boolean): void }) {
  const { answer, problem } = useAnswer(
    useState(() => async (client: Client): Promise<HostCheck | undefined> => {
      const found = (await askChecks(client)).find(({ name }) => name === check);
      onKnown(found?.fix !== undefined);
      return found;
    })[0],
  );
  if (problem) {
    return (
      <Alert color="red">
        <ProblemView problem={problem} />
      </Alert>
    );
  }
  if (answer === undefined) return <Loader size="sm" aria-label="Looking at this computer" />;
  return (
    <>
      <Text size="sm">
        {answer.summary} {answer.fix?.summary ?? "That cannot be mended from here; the Host page tells more."}
      </Text>
      {answer.fix && <Commands commands={answer.fix.commands} />}
    </>
  );
}

function Commands({ commands }: { commands: readonly string[][] }) {
  return (
    <Stack gap={4}>
      <Text size="sm">These commands are run as root:</Text>
      <Code block className="details" tabIndex={0} role="group" aria-label="Commands">
        {commands.map(formatCommand).join("\n")}
      </Code>
    </Stack>
  );
}
