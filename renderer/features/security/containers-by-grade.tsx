import { Anchor, NativeSelect, Paper, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import type { SecurityReport } from "../../../privileged-helper/contract/security.ts";
import { FilterBox } from "../../ui/filter-box.tsx";
import { containerPath } from "../../ui/paths.ts";
import { GradeBadge } from "./grade-badge.tsx";
import {
  chooseReports,
  countsText,
  gradeCounts,
  isOpen,
  type ReportChoice,
  type ReportOrder,
  sortFindings,
  worstText,
} from "./security-text.ts";

const everything: ReportChoice = { words: "", grade: undefined, order: "worst" };
const orders: { value: ReportOrder; label: string }[] = [
  { value: "worst", label: "The worst first" },
  { value: "best", label: "The best first" },
  { value: "name", label: "By name" },
];

/** Containers with their grades; where there are several, a person chooses which and in what order. */
export function ContainersByGrade({ reports }: { reports: readonly SecurityReport[] }) {
  const [choice, setChoice] = useState(everything);
  const shown = chooseReports(reports, choice);
  const counts = gradeCounts(reports);
  return (
    <>
      {reports.length > 1 && (
        <search className="security-choice">
          <div className="security-choice-words">
            <FilterBox label="Filter containers" value={choice.words} onChange={(words) => setChoice({ ...choice, words })} />
          </div>
          <NativeSelect
            aria-label="Grades that are shown"
            value={choice.grade ?? ""}
            onChange={({ currentTarget }) =>
              setChoice({ ...choice, grade: counts.find(({ grade }) => grade === currentTarget.value)?.grade })
            }
            data={[
              { value: "", label: `All grades (${reports.length})` },
              ...counts.map(({ grade, count }) => ({ value: grade, label: `Grade ${grade} (${count})` })),
            ]}
          />
          <NativeSelect
            aria-label="Order of containers"
            value={choice.order}
            onChange={({ currentTarget }) =>
              setChoice({ ...choice, order: orders.find(({ value }) => value === currentTarget.value)?.value ?? "worst" })
            }
            data={orders}
          />
        </search>
      )}
      {shown.length === 0 ? (
        <Text size="sm" c="dimmed" role="status">
          No container is like that.
        </Text>
      ) : (
        <Paper component="ul" withBorder className="plain-list check-list" aria-label="Containers by grade">
          {shown.map((report) => (
            <ContainerRow key={report.name} report={report} />
          ))}
        </Paper>
      )}
    </>
  );
}

function ContainerRow({ report: { name, grade, score, isRunning, findings } }: { report: SecurityReport }) {
  const open = sortFindings(findings.filter((finding) => isOpen(finding) && !finding.accepted));
  return (
    <li className="security-row">
      <GradeBadge grade={grade} />
      <div className="security-row-text">
        <Anchor component={Link} href={containerPath(name, "security")} fw={600} size="sm">
          {name}
        </Anchor>
        <Text size="sm">
          {countsText(findings)}
          <span className="dimmed">
            {" "}
            · {score} of 100 points · {isRunning ? "running" : "not running"}
          </span>
        </Text>
        {open.length > 0 && (
          <Text size="sm" c="dimmed">
            {worstText(open)}
          </Text>
        )}
      </div>
    </li>
  );
}
