import { Paper, Table } from "@mantine/core";
import type { ReactNode } from "react";

export type Fact = [label: string, value: ReactNode];

/** Labels and what is true of each. */
export function FactsTable({ label, facts }: { label: string; facts: readonly Fact[] }) {
  return (
    <Paper withBorder>
      <Table variant="vertical" layout="auto" aria-label={label}>
        <Table.Tbody>
          {facts.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" className="fact-label">
                {name}
              </Table.Th>
              <Table.Td className="fact-value">{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
