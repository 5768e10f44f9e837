import { Alert, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { useCallback } from "react";
import type { ContainerPreview } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { CommandBlock } from "../../ui/code-block.tsx";
import { diffLines, summariseDiff } from "../../ui/line-diff.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { TextDiff } from "../../ui/text-diff.tsx";
import { type PreviewRequest, textAfter } from "./create-preview.ts";

/** What Create will run, and what configuration it will write: told by the helper, which does it by the same functions. */
export function PreviewPanel({
  request,
  others,
}: {
  request: PreviewRequest /** How many more are made in the same way. */;
  others: number;
}) {
  const { before } = request;
  const params = JSON.stringify(request.params);
  const ask = useCallback((client: Client) => client.call("containers.preview", JSON.parse(params)), [params]);
  const { answer, problem, askAgain } = useAnswer<ContainerPreview>(ask);
  if (problem) {
    return (
      <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
        <ProblemView problem={problem} onRetry={askAgain} />
      </Alert>
    );
  }
  if (!answer) return <Text size="sm">Asking what it will be…</Text>;
  const { commands, notices, configuration, defaultConfiguration } = answer;
  return (
    <Stack>
      {notices.length > 0 && (
        <Alert color="yellow" icon={<IconInfoCircle aria-hidden />}>
          {notices.map((notice) => (
            <div key={notice}>{notice}</div>
          ))}
        </Alert>
      )}
      <div>
        <Sentences texts={before} />
        {commands.length > 0 ? (
          <CommandBlock title="What runs as root" label="Commands of Create" commands={commands} />
        ) : (
          <Text size="sm">No command runs: its files are laid over the image's, and nothing is started.</Text>
        )}
        <Sentences
          texts={[...textAfter(request.params), ...(others > 0 ? [`The same is done for ${others} more, each with its own name.`] : [])]}
        />
      </div>
      <div>
        <Text size="sm" fw={500}>
          Configuration
        </Text>
        <Text size="xs" c="dimmed" mb={4}>
          Compared with one where nothing was chosen: {summariseDiff(diffLines(defaultConfiguration, configuration))}.
        </Text>
        <TextDiff label="Configuration" before={defaultConfiguration} after={configuration} />
      </div>
    </Stack>
  );
}

function Sentences({ texts }: { texts: readonly string[] }) {
  return texts.map((text) => (
    <Text key={text} size="xs" c="dimmed" my={4}>
      {text}
    </Text>
  ));
}
