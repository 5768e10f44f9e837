import { useEffect, useState } from "react";
import type { History, HistoryEvent, HistoryQuestion, HistorySubject, KeptFigure } from "../../privileged-helper/contract/history.ts";
import { useClient } from "./connection.ts";
import { useIsLive } from "./live.ts";

/** One stretch of a subject's past. */
export type WantedHistory = {
  subject: HistorySubject;
  figures: readonly KeptFigure[];
  from: number;
  to: number;
  maxSteps: number;
};

/**
 * What was recorded of several subjects, in the order of the questions; what was answered before stays until the next answers are there.
 * Where nothing is recorded, or it cannot be read, there is nothing: the charts then show what is read while they are open.
 * @param key Another one asks anew.
 */
export function useHistories(questions: readonly WantedHistory[], key: string): readonly (History | undefined)[] {
  const client = useClient();
  const isLive = useIsLive();
  const [answer, setAnswer] = useState<{ key: string; histories: readonly (History | undefined)[] }>({ key: "", histories: [] });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when the questions are other ones
  useEffect(() => {
    if (!isLive) return;
    const abort = new AbortController();
    const ask = (question: WantedHistory) =>
      client
        .call("history.get", { ...question, figures: [...question.figures] } as HistoryQuestion, { signal: abort.signal })
        .catch(() => undefined);
    void Promise.all(questions.map(ask)).then((histories) => {
      if (!abort.signal.aborted) setAnswer({ key, histories });
    });
    return () => abort.abort();
  }, [client, isLive, key]);
  // Another subject's past is not shown meanwhile, another stretch of the same one is: the charts know how to place it.
  return subjectOf(answer.key) === subjectOf(key) ? answer.histories : noHistories;
}

const noHistories: readonly undefined[] = [];
const keyEnd = "\n";
/** Joins what a question is about and which one it is. */
export function historyKey(subjects: string, question: string): string {
  return `${subjects}${keyEnd}${question}`;
}
const subjectOf = (key: string) => key.split(keyEnd)[0];

const keptEvents = 500;

/** What happened since then, oldest first, and what happens meanwhile. @param container Absent: to all of them. */
export function useHistoryEvents(from: number, container?: string): readonly HistoryEvent[] {
  const client = useClient();
  const isLive = useIsLive();
  const [events, setEvents] = useState<readonly HistoryEvent[]>([]);
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    const isWanted = (event: HistoryEvent) => container === undefined || event.container === container;
    const stopListening = client.on("history.event", (event) => {
      if (isWanted(event)) setEvents((before) => [...before, event].slice(-keptEvents));
    });
    client.call("history.events", { from, to: Date.now() + 60_000, ...(container === undefined ? {} : { container }) }).then(
      (found) => {
        if (!isGone) setEvents(found.filter(isWanted).slice(-keptEvents));
      },
      () => {},
    );
    return () => {
      isGone = true;
      stopListening();
    };
  }, [client, isLive, from, container]);
  return events;
}
