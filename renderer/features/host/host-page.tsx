import { Alert, Button, CopyButton, Group, Loader, Paper, Skeleton, Stack, Tabs, Text, Title } from "@mantine/core";
import { IconCheck, IconCircleCheck, IconCopy, IconExclamationCircle, IconRefresh } from "@tabler/icons-react";
import { type ReactNode, Suspense } from "react";
import { useLocation } from "wouter";
import type { HostCheck, HostInfo } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { countOf, problemsText, useHostChecks } from "../../state/host-checks.ts";
import { type Fact, FactsTable } from "../../ui/facts-table.tsx";
import { formatBytes } from "../../ui/format.ts";
import { Page } from "../../ui/page.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";
import { CheckItem } from "./check-item.tsx";
import { makeReport } from "./report.ts";

const cgroupTexts: Record<HostInfo["cgroupVersion"], string> = {
  v1: "Version 1",
  v2: "Version 2",
  hybrid: "Version 1, with a version 2 hierarchy beside it",
};
const urgency: Record<HostCheck["status"], number> = { problem: 0, warning: 1, ok: 2 };

const askHost = (client: Client) => client.call("host.info", {});

type Props = { /** From the address: `metrics`, or else what it needs and has. */ tab: string | undefined; metrics: ReactNode };

/** Whether this computer is ready for containers and why not, what it is and has; and what it does. */
export function HostPage({ tab, metrics }: Props) {
  const [, go] = useLocation();
  const { answer: info, problem: infoProblem, askAgain: askInfoAgain } = useAnswer(askHost);
  const { checks, problem: checksProblem, askAgain: askChecksAgain } = useHostChecks();
  const problem = checksProblem ?? infoProblem;
  const askAgain = () => {
    askInfoAgain();
    askChecksAgain();
  };
  return (
    <Page
      title="Host"
      actions={
        <Group gap="xs">
          <Button variant="default" size="sm" leftSection={<IconRefresh size={16} aria-hidden />} onClick={askAgain}>
            Check again
          </Button>
          <CopyReportButton checks={checks} info={info} />
        </Group>
      }
    >
      {problem && (
        <Alert color="red" mb="md">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      <Tabs
        value={tab === "metrics" ? tab : "checks"}
        onChange={(next) => go(next === "metrics" ? "/host/metrics" : "/host", { replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="checks">Checks</Tabs.Tab>
          <Tabs.Tab value="metrics">Metrics</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="checks">
          <div className="host-columns">
            <section aria-label="Is this computer ready?">{checks ? <Checks checks={checks} /> : !problem && <LoadingChecks />}</section>
            <section aria-labelledby="host-facts">
              <Title order={2} size="h5" mb="xs" id="host-facts">
                This computer
              </Title>
              {info ? (
                <FactsTable label="This computer" facts={factsOf(info)} />
              ) : (
                !problem && <Skeleton height={300} role="status" aria-label="Loading what this computer has" />
              )}
            </section>
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="metrics">
          <Suspense fallback={<Loader aria-label="Loading" />}>{metrics}</Suspense>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function LoadingChecks() {
  return (
    <Stack gap="xs" role="status" aria-label="Looking at this computer">
      <Skeleton height={58} />
      {[0, 1, 2, 3, 4, 5].map((row) => (
        <Skeleton key={row} height={46} />
      ))}
    </Stack>
  );
}

function Checks({ checks }: { checks: readonly HostCheck[] }) {
  const sorted = [...checks].sort((a, b) => urgency[a.status] - urgency[b.status]);
  return (
    <>
      <Verdict checks={checks} />
      <Paper component="ul" withBorder className="plain-list check-list" aria-label="Host checks">
        {sorted.map((check) => (
          // A check that gets better or worse opens or closes by itself.
          <CheckItem key={`${check.name} ${check.status}`} check={check} />
        ))}
      </Paper>
    </>
  );
}

/** The page in a sentence. */
function Verdict({ checks }: { checks: readonly HostCheck[] }) {
  const problems = countOf(checks, "problem");
  const warnings = countOf(checks, "warning");
  const more =
    warnings === 0
      ? "Nothing is missing."
      : `${warnings === 1 ? "One more thing" : `${warnings} more things`} could be better, or cannot be told.`;
  return (
    <div className="verdict" data-status={problems > 0 ? "problem" : "ok"} role="status">
      {problems > 0 ? <IconExclamationCircle size={30} stroke={1.6} aria-hidden /> : <IconCircleCheck size={30} stroke={1.6} aria-hidden />}
      <div>
        <Text fw={650} size="lg" className="verdict-sentence">
          {problems > 0 ? problemsText(problems) : "This computer is ready for containers"}
        </Text>
        <Text size="sm" c="dimmed">
          {problems > 0 && warnings === 0 ? "Everything else is as it should be." : problems > 0 ? more : more.replace(" more", "")}
        </Text>
      </div>
    </div>
  );
}

function CopyReportButton({ checks, info }: { checks?: readonly HostCheck[]; info?: HostInfo }) {
  return (
    <CopyButton value={checks ? makeReport(checks, info) : ""} timeout={1500}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          size="sm"
          disabled={!checks}
          leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          onClick={copy}
        >
          {copied ? "Copied" : "Copy report"}
        </Button>
      )}
    </CopyButton>
  );
}

function factsOf(info: HostInfo): Fact[] {
  const { bridge, idRange } = info;
  return [
    ["Name", info.hostname],
    ["Kernel", info.kernel],
    ["LXC", info.lxcVersion ?? "Not installed"],
    ["Containers are in", info.lxcPath],
    ["Free space there", formatBytes(info.freeBytes)],
    ["Control groups", cgroupTexts[info.cgroupVersion]],
    ["Processors", String(info.cpus)],
    ["Memory", formatBytes(info.memoryBytes)],
    [
      "Network bridge",
      bridge ? `${bridge.name}, ${bridge.address}/${bridge.prefix}, ${bridge.up ? "up" : "down"}` : "None: LXC's own bridge is not there",
    ],
    [
      "Fixed addresses",
      bridge?.reservesAddresses
        ? "Reserved in the bridge's DHCP server"
        : "Set up when the first container with a fixed address is created",
    ],
    [
      "Ids for unprivileged containers",
      idRange
        ? `${idRange.first} to ${idRange.first + idRange.count - 1}`
        : "Given to root when the first unprivileged container is created",
    ],
  ];
}
