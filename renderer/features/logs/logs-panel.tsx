import { Alert, Checkbox, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LogKind, LogText } from "../../../privileged-helper/contract/model.ts";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";
import { useSession } from "../../state/session.ts";
import { CopyTextButton } from "../../ui/copy-text-button.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";

const keptCharacters = 512 * 1024;
/** Closer to the end than this, the view follows what is added. */
const followWithinPixels = 40;

/** What LXC wrote about a container, and what the container wrote to its console; both go on live. */
export function LogsPanel({ name }: { name: string }) {
  const [log, setLog] = useState<LogKind>("lxc");
  const [filter, setFilter] = useState("");
  const [wraps, setWraps] = useState(true);
  const { info, problem } = useLog(name, log);
  const text = useMemo(() => filterLines(info?.text ?? "", filter), [info, filter]);
  const view = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the view follows whenever the text has changed
  useEffect(() => {
    const element = view.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [text]);

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
          <TextInput
            type="search"
            aria-label="Filter lines"
            placeholder="Filter lines"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
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
      <pre
        ref={view}
        className="log-text"
        data-wraps={wraps || undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label={log === "lxc" ? "LXC log" : "Console log"}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          isAtEnd.current = scrollHeight - clientHeight - scrollTop < followWithinPixels;
        }}
      >
        {info && !info.exists
          ? log === "lxc"
            ? "There is no log yet: LXC writes it when the container is started from here."
            : "There is no console log yet: it begins when the container is started."
          : info && text === ""
            ? filter === ""
              ? "It is empty."
              : "No line matches."
            : text}
      </pre>
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
