import { Alert, Group, Loader, Stack, Text } from "@mantine/core";
import { lazy, Suspense, useEffect, useState } from "react";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";
import { useContainer } from "../../state/containers.ts";
import { useIsLive } from "../../state/live.ts";
import { CopyTextButton } from "../../ui/copy-text-button.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";

const ConfigurationView = lazy(() => import("./configuration-view.tsx").then(({ ConfigurationView }) => ({ default: ConfigurationView })));

/** The container's own configuration file, as LXC reads it. */
export function ConfigurationPanel({ name }: { name: string }) {
  const client = useClient();
  const isLive = useIsLive();
  const container = useContainer(name);
  const [configuration, setConfiguration] = useState<{ path: string; text: string }>();
  const [problem, setProblem] = useState<Problem>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a container that changed may have another configuration
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    client.call("containers.configuration", { name }).then(
      (answer) => {
        if (isGone) return;
        setConfiguration((before) => (before?.text === answer.text && before.path === answer.path ? before : answer));
        setProblem(undefined);
      },
      (error) => {
        if (!isGone) setProblem(toProblem(error));
      },
    );
    return () => {
      isGone = true;
    };
  }, [client, name, isLive, container]);
  return (
    <Stack gap="sm">
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} />
        </Alert>
      )}
      {configuration && (
        <>
          <Group justify="space-between">
            <Text size="xs" c="dimmed">
              {configuration.path}
            </Text>
            <CopyTextButton text={configuration.text} label="Copy" />
          </Group>
          <Suspense fallback={<Loader aria-label="Loading" />}>
            <ConfigurationView text={configuration.text} name={name} />
          </Suspense>
        </>
      )}
    </Stack>
  );
}
