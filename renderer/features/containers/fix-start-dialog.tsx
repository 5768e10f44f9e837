import { Alert, Button, Loader, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { HostCheckName } from "../../../privileged-helper/contract/model.ts";
import type { Problem } from "../../../privileged-helper/contract/problems.ts";
import type { StartFix } from "../../../privileged-helper/contract/start-causes.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { useHostChecks } from "../../state/host-checks.ts";
import { CodeBlock, CommandBlock } from "../../ui/code-block.tsx";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { explainProblem } from "../../ui/problem.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { warnAboutFix } from "../../ui/start-cause.ts";
import { hideStartProblem, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";

type StartFailed = Extract<Problem, { code: "start-failed" }>;
type ContainerFix = Extract<StartFix, { kind: "container" }>;

/** Shows what a fix does, to the line and the command, and does it: then the container is started again. */
export function FixStartDialog({ problem }: { problem: StartFailed }) {
  const { name, cause, fix } = problem;
  if (fix.kind === "host") return <HostFixDialog problem={problem} check={fix.check} />;
  return (
    <FixDialog problem={problem} isReady onFix={(client) => client.call("containers.repair", { name, cause: cause.id })}>
      {fix.kind === "container" && <Changes name={name} fix={fix} />}
    </FixDialog>
  );
}

/** What is wrong with this computer, and the commands that mend it, as the Host page has them. */
function HostFixDialog({ problem, check }: { problem: StartFailed; check: HostCheckName }) {
  const { checks, problem: unknown } = useHostChecks();
  const found = checks?.find(({ name }) => name === check);
  return (
    <FixDialog problem={problem} isReady={found?.fix !== undefined} onFix={(client) => client.call("host.fix", { check })}>
      {unknown && (
        <Alert color="red">
          <ProblemView problem={unknown} />
        </Alert>
      )}
      {!unknown && !found && <Loader size="sm" aria-label="Looking at this computer" />}
      {found && (
        <Text size="sm">
          {found.summary} {found.fix?.summary ?? "That cannot be mended from here; the Host page tells more."}
        </Text>
      )}
      {found?.fix && <Commands commands={found.fix.commands} />}
    </FixDialog>
  );
}

type Props = { problem: StartFailed; isReady: boolean; onFix(client: Client): Promise<unknown>; children: ReactNode };

function FixDialog({ problem, isReady, onFix, children }: Props) {
  const { name, fix } = problem;
  const client = useClient();
  const warning = warnAboutFix(fix);
  const fixAndStart = async () => {
    closeDialog();
    hideStartProblem(name);
    try {
      await onFix(client);
    } catch (error) {
      return showProblem(error);
    }
    await performAction(client, "start", name);
  };
  return (
    <Dialog
      title={`Fix ${name}`}
      needs="configure"
      size="lg"
      buttons={
        <DialogButtons>
          <Button
            data-autofocus={!warning?.isDangerous || undefined}
            color={warning?.isDangerous ? "red" : undefined}
            disabled={!isReady}
            onClick={() => void fixAndStart()}
          >
            Fix and start
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">{explainProblem(problem).body}</Text>
      {children}
      {warning && (
        <Alert
          color={warning.isDangerous ? "red" : "yellow"}
          icon={warning.isDangerous ? <IconAlertTriangle aria-hidden /> : <IconInfoCircle aria-hidden />}
        >
          {warning.text}
        </Alert>
      )}
    </Dialog>
  );
}

function Changes({ name, fix: { removes, adds, commands } }: { name: string; fix: ContainerFix }) {
  const changes = [...removes.map((line) => `- ${line}`), ...adds.map((line) => `+ ${line}`)];
  return (
    <>
      {changes.length > 0 && (
        <Stack gap={4}>
          <Text size="sm">This is changed in the configuration of {name}:</Text>
          <CodeBlock label="Changes">{changes.join("\n")}</CodeBlock>
        </Stack>
      )}
      {commands.length > 0 && <Commands commands={commands} />}
    </>
  );
}

function Commands({ commands }: { commands: readonly string[][] }) {
  return (
    <CommandBlock
      title={commands.length === 1 ? "This command runs as root" : "These commands run as root"}
      label="Commands"
      commands={commands}
    />
  );
}
