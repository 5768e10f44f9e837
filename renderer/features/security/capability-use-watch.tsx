import { Button, Group, Text } from "@mantine/core";
import { IconEye, IconPlayerStop } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { CapabilityUse } from "../../../privileged-helper/contract/security.ts";
import { useClient } from "../../state/connection.ts";
import { formatMoment } from "../../ui/format.ts";
import { showProblem } from "../../ui/toasts.tsx";

const askMilliseconds = 1_500;

type Props = {
  name: string;
  isRunning: boolean;
  /** What was told last. */
  use: CapabilityUse | undefined;
  onUse(use: CapabilityUse): void;
  /** Chooses what was used, and what its init needs. */
  onKeep(): void;
};

/** Has the kernel tell which rights a container uses, as long as this is shown and watching. */
export function CapabilityUseWatch({ name, isRunning, use, onUse, onKeep }: Props) {
  const client = useClient();
  const [isWatching, setIsWatching] = useState(false);

  useEffect(() => {
    if (!isWatching) return;
    let timer: number | undefined;
    let isGone = false;
    const ask = async () => {
      try {
        const told = await client.call("security.capabilityUse", { name });
        if (isGone) return;
        onUse(told);
        timer = setTimeout(ask, askMilliseconds);
      } catch (problem) {
        if (isGone) return;
        setIsWatching(false);
        showProblem(problem);
      }
    };
    void ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [client, name, isWatching, onUse]);

  if (!isRunning) {
    return (
      <Text size="xs" c="dimmed" mt={6}>
        While {name} runs it can be watched here which of them it uses.
      </Text>
    );
  }
  return (
    <>
      <Group gap="xs" mt={6}>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={isWatching ? <IconPlayerStop size={14} aria-hidden /> : <IconEye size={14} aria-hidden />}
          onClick={() => setIsWatching(!isWatching)}
        >
          {isWatching ? "Stop watching" : "Watch what it uses"}
        </Button>
        {use && use.used.length > 0 && (
          <Button size="compact-sm" variant="default" onClick={onKeep}>
            Choose what it used and its init needs
          </Button>
        )}
      </Group>
      {(isWatching || use) && (
        <Text size="sm" mt={6} role="status">
          {use ? describeUse(use, isWatching) : "The kernel begins to tell."} {isWatching && "Let it do all of its usual work meanwhile. "}
          {use?.used.includes("sys_admin") &&
            "The kernel looks for sys_admin whenever root asks for memory, too: that alone is no need of it."}
        </Text>
      )}
    </>
  );
}

function describeUse({ since, used }: CapabilityUse, isWatching: boolean): string {
  const what = used.length === 0 ? "none of them" : used.join(", ");
  return `${isWatching ? "Watched since" : "While it was watched, from"} ${formatMoment(since, Date.now())}${isWatching ? "" : " on"}, it used ${what}.`;
}
