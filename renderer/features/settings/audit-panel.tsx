import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { AuditEntry } from "../../../privileged-helper/contract/model.ts";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";
import { useIsLive } from "../../state/live.ts";
import { FilterBox } from "../../ui/filter-box.tsx";
import { filterWords } from "../../ui/filter-words.ts";
import { formatDate, formatMoment, unknownFigure } from "../../ui/format.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { methodText, rightName } from "../../ui/right-text.ts";
import { useNow } from "../../ui/use-now.ts";

const pace = 60_000;

/** What everybody did on this computer; asked for with a click, because that may need a password. */
export function AuditPanel() {
  const client = useClient();
  const isLive = useIsLive();
  const [entries, setEntries] = useState<readonly AuditEntry[]>();
  const [problem, setProblem] = useState<Problem>();
  const [isAsking, setIsAsking] = useState(false);
  const [filter, setFilter] = useState("");
  const show = async () => {
    setIsAsking(true);
    try {
      setEntries(await client.call("audit.list", {}));
      setProblem(undefined);
    } catch (error) {
      setProblem(toProblem(error));
    }
    setIsAsking(false);
  };
  const words = filterWords(filter);
  const shown = entries?.filter((entry) => words.every((word) => searched(entry).includes(word)));
  return (
    <Stack gap="md">
      <Text size="sm" maw={640}>
        Everything that needed a right, who did it, and what was refused. The same lines are in this computer's journal or syslog, under
        lxc-desktop. Seeing them needs an administrator's right.
      </Text>
      <Group gap="xs">
        <Button variant={entries ? "default" : "filled"} size="xs" disabled={!isLive} loading={isAsking} onClick={() => void show()}>
          {entries ? "Read again" : "Show what was done"}
        </Button>
        {entries && <FilterBox label="Filter what was done" value={filter} onChange={setFilter} />}
      </Group>
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} onRetry={show} />
        </Alert>
      )}
      {shown && shown.length > 0 && <AuditTable entries={shown} />}
      {shown?.length === 0 && (
        <Text size="sm">{words.length > 0 ? "Nothing of what was done has these words." : "Nothing was done yet."}</Text>
      )}
    </Stack>
  );
}

function AuditTable({ entries }: { entries: readonly AuditEntry[] }) {
  const now = useNow(pace);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled sideways has to be reached by the keyboard
    <section className="table-frame audit-frame" aria-label="What was done, as a table" tabIndex={0}>
      <table aria-label="What was done" className="data-table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Container</th>
            <th scope="col">Right</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two may be the same in every word
            <tr key={index}>
              <td title={formatDate(entry.at)}>{formatMoment(entry.at, now)}</td>
              <td>{whoText(entry)}</td>
              <th scope="row" title={entry.method}>
                {methodText(entry.method)}
              </th>
              <td className="audit-container">{entry.container ?? unknownFigure}</td>
              <td title={entry.rights.map(rightName).join(", ")}>{entry.rights.join(", ")}</td>
              <td>{resultText(entry)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function whoText({ uid, user }: AuditEntry): string {
  return user ?? `user ${uid}`;
}

function resultText({ problem }: AuditEntry): string {
  if (problem === undefined) return "Done";
  if (problem === "cancelled") return "Cancelled";
  return problem.startsWith("auth-") || problem === "no-polkit-agent" ? `Refused: ${problem}` : `Failed: ${problem}`;
}

/** In small letters, as filters are compared. */
function searched(entry: AuditEntry): string {
  return [whoText(entry), methodText(entry.method), entry.method, entry.container, ...entry.rights, resultText(entry)]
    .join(" ")
    .toLowerCase();
}
