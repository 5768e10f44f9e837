import { Alert, Button, Group, Paper, Text, Title } from "@mantine/core";
import { IconRefresh, IconShieldCheck } from "@tabler/icons-react";
import type { SecurityOverview } from "../../../privileged-helper/contract/security.ts";
import { useSecurityOverview } from "../../state/security.ts";
import { EmptyState, Page } from "../../ui/page.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ContainersByGrade } from "./containers-by-grade.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { HostFindingItem } from "./finding-item.tsx";
import { GradeBadge } from "./grade-badge.tsx";
import { LoadingChecks } from "./security-panel.tsx";
import { sortFindings } from "./security-text.ts";

/** All containers by how safe they are, the worst first, and the kernel that they share. */
export function SecurityPage() {
  const { overview, problem, askAgain } = useSecurityOverview();
  return (
    <Page
      title="Security"
      actions={
        <Group gap="xs">
          <ExportMenu />
          <Button variant="default" size="sm" leftSection={<IconRefresh size={16} aria-hidden />} onClick={askAgain}>
            Check again
          </Button>
        </Group>
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
          Containers
        </Title>
        {containers.length === 0 ? (
          <EmptyState icon={<IconShieldCheck size={48} stroke={1.2} />} title="No containers yet">
            Once there are some, each has a grade here, and what makes it up.
          </EmptyState>
        ) : (
          <ContainersByGrade reports={containers} />
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
