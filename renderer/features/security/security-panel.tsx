import { Alert, Button, Group, Paper, Skeleton, Stack, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import type { SecurityReport } from "../../../privileged-helper/contract/security.ts";
import { useSecurityReport } from "../../state/security.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { FindingItem } from "./finding-item.tsx";
import { GradeBadge } from "./grade-badge.tsx";
import { countsText, gradeText, sortFindings } from "./security-text.ts";

/** How safe a container is, with what makes that up, and what can be done. */
export function SecurityPanel({ container: { name, manageable } }: { container: Container }) {
  const { report, problem, askAgain } = useSecurityReport(name);
  return (
    <>
      {problem && (
        <Alert color="red" mb="md">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      {report ? (
        <>
          <Verdict report={report} onAskAgain={askAgain} />
          <Paper component="ul" withBorder className="plain-list check-list" aria-label={`Security checks of ${name}`}>
            {sortFindings(report.findings).map((finding) => (
              <FindingItem key={finding.check} name={name} finding={finding} isManageable={manageable} />
            ))}
          </Paper>
        </>
      ) : (
        !problem && <LoadingChecks label={`Looking at ${name}`} />
      )}
    </>
  );
}

function Verdict({ report, onAskAgain }: { report: SecurityReport; onAskAgain(): void }) {
  const { name, grade, score, isRunning, findings } = report;
  return (
    <div className="verdict security-verdict" data-grade={grade}>
      <GradeBadge grade={grade} size="lg" />
      <div role="status">
        <Text fw={650} size="lg" className="verdict-sentence">
          {gradeText(report)}
        </Text>
        <Text size="sm" c="dimmed">
          {score} of 100 points. {countsText(findings)}.{" "}
          {isRunning ? "Told by the kernel, of what runs now." : "Told by its configuration: it does not run."}
        </Text>
      </div>
      <Group gap={6} wrap="nowrap">
        <ExportMenu name={name} isCompact />
        <Button variant="default" size="compact-sm" leftSection={<IconRefresh size={14} aria-hidden />} onClick={onAskAgain}>
          Check again
        </Button>
      </Group>
    </div>
  );
}

export function LoadingChecks({ label }: { label: string }) {
  return (
    <Stack gap="xs" role="status" aria-label={label}>
      <Skeleton height={72} />
      {[0, 1, 2, 3, 4, 5].map((row) => (
        <Skeleton key={row} height={46} />
      ))}
    </Stack>
  );
}
