import { Title } from "@mantine/core";
import type { InterfaceSample } from "../../../privileged-helper/contract/model.ts";
import { formatRate, unknownFigure } from "../../ui/format.ts";

/** What goes through each network interface. */
export function InterfacesTable({ interfaces }: { interfaces: readonly InterfaceSample[] }) {
  return (
    <div>
      <Title order={2} size="h5" mb="xs" id="interfaces-title">
        Network interfaces
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled has to be in reach of the keyboard */}
      <section className="table-frame" tabIndex={0} aria-labelledby="interfaces-title">
        <table className="data-table" aria-labelledby="interfaces-title">
          <thead>
            <tr>
              {["Interface", "Received", "Sent", "Packets in", "Packets out", "Dropped"].map((label) => (
                <th key={label} scope="col">
                  <span className="column-label">{label}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {interfaces.map((one) => (
              <tr key={one.name}>
                <th scope="row">{one.name}</th>
                <td className="figure">{orUnknown(one.receivedBytesPerSecond, formatRate)}</td>
                <td className="figure">{orUnknown(one.sentBytesPerSecond, formatRate)}</td>
                <td className="figure">{orUnknown(one.receivedPacketsPerSecond, perSecond)}</td>
                <td className="figure">{orUnknown(one.sentPacketsPerSecond, perSecond)}</td>
                <td className="figure">{orUnknown(one.dropsPerSecond, perSecond)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

const perSecond = (value: number) => `${Math.round(value)}/s`;

function orUnknown(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? unknownFigure : format(value);
}
