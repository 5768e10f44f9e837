import { Alert, Checkbox, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import type { LogKind, LogText } from "../../../privileged-helper/contract/model.ts";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";
import { useSession } from "../../state/session.ts";
import { CopyTextButton } from "../../ui/copy-text-button.tsx";
import { FilterBox } from "../../ui/filter-box.tsx";
import { FollowingText } from "../../ui/following-text.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";

const keptCharacters = 512 * 1024;

/** What LXC wrote about a container, and what the container wrote to its console; both go on live. */
export function LogsPanel({ name }: { name: string }) {
  const [log, setLog] = useState<LogKind>("lxc");
  const [filter, setFilter] = useState("");
  const [wraps, setWraps] = useState(true);
  const { info, problem } = useLog(name, log);
  const text = useMemo(() => filterLines(info?.text ?? "", filter), [info, filter]);

  return (
    <Stack gap="sm" className="logs">
      <Group justify="space-between" wrap="wrap" gap="sm">
        <SegmentedControl
          aria-label="Log"
          value={log}
          onChange={(value) => setLog(value as LogKind)}
          data={[
            { value: "lxc", label: "LXC" },
            { value: "console", label: "Console" },
          ]}
        />
        <Group gap="sm" wrap="wrap">
          <FilterBox label="Filter lines" placeholder="Filter lines" value={filter} onChange={setFilter} />
          <Checkbox label="Wrap lines" checked={wraps} onChange={(event) => setWraps(event.currentTarget.checked)} />
          <CopyTextButton text={text} label="Copy" />
        </Group>
      </Group>
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} />
        </Alert>
      )}
      {info && (
        <Text size="xs" c="dimmed">
          {info.path}
          {info.truncated ? " (its end; earlier lines are left out)" : ""}
        </Text>
      )}
      <FollowingText
        label={log === "lxc" ? "LXC log" : "Console log"}
        wraps={wraps}
        text={
          info && !info.exists
            ? log === "lxc"
              ? "There is no log yet: LXC writes it when the container is started from here."
              : "There is no console log yet: it begins when the container is started."
            : info && text === ""
              ? filter === ""
                ? "It is empty."
                : "No line matches."
              : text
        }
      />
    </Stack>
  );
}

function useLog(name: string, log: LogKind): { info?: LogText; problem?: Problem } {
  const client = useClient();
  const epoch = useSession(({ session }) => (session.state === "ready" ? session.epoch : undefined));
  const [state, setState] = useState<{ info?: LogText; problem?: Problem }>({});
  useEffect(() => {
    if (epoch === undefined) return;
    let isGone = false;
    let isKnown = false;
    const stopListening = client.on("logs.appended", (appended) => {
      if (!isKnown || appended.name !== name || appended.log !== log) return;
      setState(({ info }) =>
        info ? { info: { ...info, exists: true, text: `${appended.reset ? "" : info.text}${appended.text}`.slice(-keptCharacters) } } : {},
      );
    });
    client.call("logs.watch", { name, log }).then(
      (info) => {
        if (isGone) return;
        isKnown = true;
        setState({ info });
      },
      (error) => {
        if (!isGone) setState({ problem: toProblem(error) });
      },
    );
    return () => {
      isGone = true;
      stopListening();
      setState({});
      client.call("logs.unwatch", {}).catch(() => {});
    };
  }, [client, name, log, epoch]);
  return state;
}

function filterLines(text: string, filter: string): string {
  if (filter === "") return text;
  const wanted = filter.toLowerCase();
  return text
    .split("\n")
    .filter((line) => line.toLowerCase().includes(wanted))
    .join("\n");
}
