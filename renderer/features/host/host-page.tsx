import { Alert, Paper, Skeleton, Table } from "@mantine/core";
import type { HostInfo } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { formatBytes } from "../../ui/format.ts";
import { Page } from "../../ui/page.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";

const cgroupTexts: Record<HostInfo["cgroupVersion"], string> = {
  v1: "Version 1",
  v2: "Version 2",
  hybrid: "Version 1, with a version 2 hierarchy beside it",
};

const askHost = (client: Client) => client.call("host.info", {});

/** What this computer is and has, as far as containers are concerned. */
export function HostPage() {
  const { answer: info, problem, askAgain } = useAnswer(askHost);
  return (
    <Page title="Host">
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      {!info && !problem && <Skeleton height={240} role="status" aria-label="Loading what this computer has" />}
      {info && (
        <Paper withBorder>
          <Table variant="vertical" aria-label="Host" layout="auto">
            <Table.Tbody>
              {factsOf(info).map(([label, value]) => (
                <Table.Tr key={label}>
                  <Table.Th scope="row" className="fact-label">
                    {label}
                  </Table.Th>
                  <Table.Td>{value}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
    </Page>
  );
}

function factsOf(info: HostInfo): [label: string, value: string][] {
  const { bridge, idRange } = info;
  return [
    ["Name", info.hostname],
    ["Kernel", info.kernel],
    ["LXC", info.lxcVersion],
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
