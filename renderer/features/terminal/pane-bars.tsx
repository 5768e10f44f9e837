import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAccessPoint } from "@tabler/icons-react";
import { useClient } from "../../state/connection.ts";
import { useContainer } from "../../state/containers.ts";
import { useIsLive } from "../../state/live.ts";
import { type TerminalInfo, updateTerminal, useTerminals } from "../../state/terminals.ts";
import { CodeBlock } from "../../ui/code-block.tsx";
import { formatBytes } from "../../ui/format.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { visibleText } from "./hostile-text.ts";
import { reopenTerminal } from "./live-terminals.ts";
import { toggleBroadcast } from "./terminal-actions.ts";
import { explainEnd, nounOf } from "./terminal-title.ts";
import { useUploads } from "./uploads.ts";

/** So much of a text can be looked at before it is copied. */
const shownCharacters = 4_000;

/** Why nothing can be typed, and what to do about it. */
export function StatusBar({ info }: { info: TerminalInfo }) {
  const client = useClient();
  const isLive = useIsLive();
  const container = useContainer(info.container);
  const { container: name, status, id } = info;
  const state = container?.state;
  const call = (method: "containers.start" | "containers.unfreeze") => void client.call(method, { name }).catch(showProblem);
  if (status.state === "open" && state === "frozen") {
    return (
      <Bar text={`${name} is frozen, and the ${nounOf(info)} with it.`}>
        <Button size="compact-sm" onClick={() => call("containers.unfreeze")} disabled={!isLive}>
          Unfreeze
        </Button>
      </Bar>
    );
  }
  if (status.state === "open" || status.state === "opening") return null;
  const isStopped = status.state === "ended" && state !== undefined && state !== "running" && state !== "frozen";
  const isAnotherStart = status.state === "ended" && (container?.startedAt ?? 0) > info.openedAt;
  return (
    <Alert color={status.state === "failed" ? "red" : "gray"} className="terminal-bar">
      <Group justify="space-between" wrap="wrap" gap="xs">
        <div role="status">
          {status.state === "failed" ? (
            <ProblemView problem={status.problem} />
          ) : (
            <Text size="sm">{explainEnd(info, container ?? { name })}</Text>
          )}
        </div>
        {isStopped ? (
          <Button size="compact-sm" onClick={() => call("containers.start")} disabled={!isLive || state !== "stopped"}>
            Start
          </Button>
        ) : (
          <Button size="compact-sm" onClick={() => reopenTerminal(client, id)} disabled={!isLive || state !== "running"}>
            {isAnotherStart ? "Reconnect" : info.kind.type === "command" ? "Run again" : "Open again"}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** Asks what becomes of a text that a program would like to have copied. It never gets to know what is in the clipboard. */
export function ClipboardBar({ id, text }: { id: string; text: string }) {
  const size = new TextEncoder().encode(text).length;
  const answer = (refusesClipboard: boolean) => updateTerminal(id, { clipboardText: undefined, refusesClipboard });
  return (
    <Alert color="yellow" className="terminal-bar" role="alert" title={`A program in here wants to copy ${formatBytes(size)}`}>
      <CodeBlock>{visibleText(text, shownCharacters)}</CodeBlock>
      <Group gap="xs" mt="xs">
        <Button
          size="compact-sm"
          onClick={() => {
            void navigator.clipboard.writeText(text).catch(showProblem);
            answer(false);
          }}
        >
          Copy it
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => answer(false)}>
          Refuse
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => answer(true)}>
          Refuse from now on
        </Button>
      </Group>
    </Alert>
  );
}

/** On every terminal that gets what is typed in another. */
export function BroadcastBar({ id }: { id: string }) {
  const others = useTerminals(({ terminals }) => [...terminals.values()].filter((info) => info.isBroadcasting && info.id !== id).length);
  return (
    <div className="broadcast-bar">
      <IconAccessPoint size={16} aria-hidden />
      <span role="status">
        {others === 0 ? "Broadcasts to no other terminal yet" : `Broadcasts to ${others === 1 ? "another terminal" : `${others} others`}`}
      </span>
      <Button size="compact-xs" variant="white" color="dark" style={{ flex: "none" }} onClick={() => toggleBroadcast(id)}>
        Stop
      </Button>
    </div>
  );
}

/** Files that were dropped here and are on their way. */
export function UploadBars({ id }: { id: string }) {
  const uploads = useUploads((state) => state.uploads);
  return uploads
    .filter(({ terminal }) => terminal === id)
    .map((upload) => (
      <div key={upload.id} className="upload-bar">
        <span className="upload-name">{upload.file}</span>
        <div className="upload-progress">
          <ProgressBar label={`Upload of ${upload.file}`} fraction={upload.bytes === 0 ? undefined : upload.written / upload.bytes} />
        </div>
        <Button size="compact-xs" variant="default" onClick={upload.cancel} aria-label={`Cancel the upload of ${upload.file}`}>
          Cancel
        </Button>
      </div>
    ));
}

function Bar({ text, children }: { text: string; children: React.ReactNode }) {
  return (
    <Alert color="gray" className="terminal-bar">
      <Group justify="space-between" wrap="wrap" gap="xs">
        <Text size="sm" role="status">
          {text}
        </Text>
        {children}
      </Group>
    </Alert>
  );
}
