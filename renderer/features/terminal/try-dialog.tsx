import { Button, Loader, Text } from "@mantine/core";
import { useCallback, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { addTerminal, useTerminals } from "../../state/terminals.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { KeepForm } from "../../ui/keep-form.tsx";
import { containerPath } from "../../ui/paths.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { closeTerminal } from "./live-terminals.ts";
import { ContextMenu } from "./terminal-menu.tsx";
import { TerminalPane } from "./terminal-pane.tsx";
import { TerminalQuestions } from "./terminal-questions.tsx";

type Props = {
  source: ParamsInputOf<"containers.try">["source"];
  /** What is tried, for people. */
  title: string;
};

/** A throw-away container with a shell in it. It goes with this dialog, unless it is kept. */
export function TryDialog({ source, title }: Props) {
  const [, go] = useLocation();
  const { name, problem, tryAgain, letStay } = useThrowAway(source);
  const [isKeeping, setIsKeeping] = useState(false);
  const [isKept, setIsKept] = useState(false);
  const [shellProblem, setShellProblem] = useState<Problem>();
  /** What ends the shell then is the keeping. */
  const isBeingKept = useRef(false);
  const hasShellEnded = useRef(false);

  const onShellEnded = useCallback((problem: Problem | undefined) => {
    hasShellEnded.current = true;
    if (isBeingKept.current) return;
    if (problem) return setShellProblem(problem);
    closeDialog();
  }, []);
  const onKept = (as: string | undefined) => {
    isBeingKept.current = false;
    // Nothing has become of it yet.
    if (as === undefined && !hasShellEnded.current) return;
    letStay();
    if (as === name) {
      setIsKeeping(false);
      setIsKept(true);
      return;
    }
    closeDialog();
    if (as !== undefined) showDone(`${as} is there to stay.`);
    go(containerPath(as ?? name ?? ""));
  };

  if (problem) {
    return (
      <Dialog title={`Try ${title}`} isModalUntilClosed buttons={<DialogButtons cancel="Close" />}>
        <ProblemView problem={problem} onRetry={tryAgain} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={name ?? `Try ${title}`}
      size="min(1000px, 100%)"
      isModalUntilClosed
      buttons={
        !isKeeping && (
          <DialogButtons cancel={isKept ? "Close" : "Throw away"}>
            {!isKept && (
              <Button disabled={name === undefined} onClick={() => setIsKeeping(true)}>
                Keep
              </Button>
            )}
          </DialogButtons>
        )
      }
    >
      <Text size="sm">
        {isKept
          ? `${name} is there to stay: closing this ends only the shell.`
          : `A throw-away copy of ${title}. All that is done in it is gone when you close this, when its shell ends, and when it stops.`}
      </Text>
      {shellProblem && <ProblemView problem={shellProblem} />}
      {name === undefined ? (
        <Loader aria-label="Starting" />
      ) : (
        <section aria-label={`Terminal ${name}`} className="terminal-frame try-terminal">
          <TriedShell name={name} onEnded={onShellEnded} />
        </section>
      )}
      {isKeeping && name !== undefined && (
        <KeepForm
          name={name}
          onBegun={(as) => {
            isBeingKept.current = as !== name;
          }}
          onEnded={onKept}
          onCancelled={() => setIsKeeping(false)}
        />
      )}
    </Dialog>
  );
}

/** A shell that is in no tab: it goes with this dialog. */
function TriedShell({ name, onEnded }: { name: string; onEnded(problem: Problem | undefined): void }) {
  const client = useClient();
  const [id, setId] = useState<string>();
  const status = useTerminals(({ terminals }) => (id === undefined ? undefined : terminals.get(id)?.status));
  useEffect(() => {
    const opened = addTerminal(name, { type: "shell" }, { type: "none" });
    setId(opened.id);
    return () => closeTerminal(client, opened.id);
  }, [client, name]);
  useEffect(() => {
    if (status && status.state !== "opening" && status.state !== "open") onEnded(status.state === "failed" ? status.problem : undefined);
  }, [status, onEnded]);
  if (id === undefined) return null;
  return (
    <>
      <TerminalPane id={id} isActive isAlone />
      <ContextMenu />
      <TerminalQuestions />
    </>
  );
}

/** A throw-away container for as long as this is shown. */
function useThrowAway(source: Props["source"]) {
  const client = useClient();
  const [wanted] = useState(source);
  const [attempt, setAttempt] = useState(1);
  const [name, setName] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const stays = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt is another one
  useEffect(() => {
    const trying = new AbortController();
    let made: string | undefined;
    client.call("containers.try", { source: wanted }, { signal: trying.signal }).then(
      (answer) => {
        if (trying.signal.aborted) return discard(client, answer.name);
        made = answer.name;
        setName(made);
      },
      (error) => {
        if (!trying.signal.aborted) setProblem(toProblem(error));
      },
    );
    return () => {
      trying.abort();
      if (made !== undefined && !stays.current) discard(client, made);
    };
  }, [client, wanted, attempt]);
  const tryAgain = () => {
    setProblem(undefined);
    setAttempt((count) => count + 1);
  };
  const letStay = () => {
    stays.current = true;
  };
  return { name, problem, tryAgain, letStay };
}

function discard(client: Client, name: string) {
  client.call("containers.discard", { name }).catch((error) => {
    // Somebody has kept it.
    if (toProblem(error).code !== "not-supported") showProblem(error);
  });
}
