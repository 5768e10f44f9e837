import { Alert, Anchor, Button, Paper, Text, Title } from "@mantine/core";
import { IconRefresh, IconShieldCheck } from "@tabler/icons-react";
import { Link } from "wouter";
import type { SecurityOverview, SecurityReport } from "../../../privileged-helper/contract/security.ts";
import { useSecurityOverview } from "../../state/security.ts";
import { EmptyState, Page } from "../../ui/page.tsx";
import { containerPath } from "../../ui/paths.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { HostFindingItem } from "./finding-item.tsx";
import { GradeBadge } from "./grade-badge.tsx";
import { LoadingChecks } from "./security-panel.tsx";
import { countsText, isOpen, sortFindings } from "./security-text.ts";

const shownTitles = 3;

/** All containers by how safe they are, the worst first, and the kernel that they share. */
export function SecurityPage() {
  const { overview, problem, askAgain } = useSecurityOverview();
  return (
    <Page
      title="Security"
      actions={
        <>
          <ExportMenu />
          <Button variant="default" size="sm" leftSection={<IconRefresh size={16} aria-hidden />} onClick={askAgain}>
            Check again
          </Button>
        </>
      }
    >
      {problem && (
        <Alert color="red" mb="md">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      {overview ? <Overview overview={overview} /> : !problem && <LoadingChecks label="Looking at all containers" />}
    </Page>
  );
}

function Overview({ overview: { containers, skipped, host } }: { overview: SecurityOverview }) {
  return (
    <>
      <section aria-labelledby="security-containers">
        <Title order={2} size="h5" mb="xs" id="security-containers">
          Containers, the worst first
        </Title>
        {containers.length === 0 ? (
          <EmptyState icon={<IconShieldCheck size={48} stroke={1.2} />} title="No containers yet">
            Once there are some, each has a grade here, and what makes it up.
          </EmptyState>
        ) : (
          <Paper component="ul" withBorder className="plain-list check-list" aria-label="Containers by grade">
            {containers.map((report) => (
              <ContainerRow key={report.name} report={report} />
            ))}
          </Paper>
        )}
        {skipped.map(({ name, reason }) => (
          <Text key={name} size="sm" c="dimmed" mt="xs">
            {name} is not among them. {reason}
          </Text>
        ))}
      </section>
      <section aria-labelledby="security-host" className="security-host">
        <Title order={2} size="h5" mb="xs" id="security-host" className="with-icon">
          <GradeBadge grade={host.grade} /> The kernel of this computer
        </Title>
        <Paper component="ul" withBorder className="plain-list check-list" aria-label="Security checks of this computer">
          {sortFindings(host.findings).map((finding) => (
            <HostFindingItem key={finding.id} finding={finding} />
          ))}
        </Paper>
      </section>
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
            {open
              .slice(0, shownTitles)
              .map(({ title, summary }) => `${title}: ${summary}`)
              .join(" ")}
          </Text>
        )}
      </div>
    </li>
  );
}
