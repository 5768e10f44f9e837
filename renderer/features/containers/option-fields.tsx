import { Alert, NumberInput, Select, Switch } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { HostInfo } from "../../../privileged-helper/contract/model.ts";
import { formatBytes } from "../../ui/format.ts";
import { HardenedField } from "./hardened-field.tsx";
import {
  explainHardened,
  explainLimit,
  explainNetwork,
  type Limit,
  limitRanges,
  type NetworkChoice,
  networkChoices,
  type OptionValues,
} from "./option-values.ts";

type Props = {
  values: OptionValues;
  onChanged: (values: OptionValues) => void;
  isClone: boolean;
  isUnprivileged: boolean;
  /** It runs one application, and no system. */
  isApplication: boolean;
  /** Absent while it is not known. */
  host?: HostInfo;
  /** What else belongs to the network. */
  children?: ReactNode;
};

/** What every container can be asked, and most are not. */
export function OptionFields({ values, onChanged, isClone, isUnprivileged, isApplication, host, children }: Props) {
  const limit = (name: Limit) => ({
    placeholder: isClone ? "As its base" : "No limit",
    value: values[name],
    onChange: (value: number | string) => onChanged({ ...values, [name]: value }),
    error: explainLimit(name, values[name]),
    allowDecimal: !limitRanges[name].isWhole,
    allowNegative: false,
    // What is out of range says so, and does not become something else.
    clampBehavior: "none" as const,
    min: limitRanges[name].min,
  });
  const networkError = explainNetwork(values.network, isUnprivileged, host?.bridges);
  return (
    <>
      <div className="limits">
        <NumberInput
          label="CPU cores"
          description={host ? `This computer has ${host.cpus}.` : "As much time as so many have."}
          step={0.5}
          {...limit("cpus")}
        />
        <NumberInput
          label="Memory (MiB)"
          description={host && `This computer has ${formatBytes(host.memoryBytes)}.`}
          step={256}
          {...limit("memoryMebibytes")}
        />
        <NumberInput label="Processes" description="Threads count, too." step={100} {...limit("processes")} />
      </div>
      <NumberInput
        label="Disk (MiB)"
        description={
          host?.noDiskLimit === undefined ? "What it stores itself, beside an image or its base." : `Not available: ${host.noDiskLimit}`
        }
        step={1024}
        disabled={host === undefined || host.noDiskLimit !== undefined}
        {...limit("diskMebibytes")}
        placeholder="No limit"
      />
      <Select
        label="Network"
        description={values.network === "none" ? "It reaches nothing, and nothing reaches it." : undefined}
        data={networkChoices(values.network, isClone, host?.bridges)}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false, floatingStrategy: "fixed" }}
        value={values.network}
        onChange={(network) => network && onChanged({ ...values, network: network as NetworkChoice })}
        error={networkError}
      />
      {values.network === "host" && networkError === undefined && (
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="Nothing separates it from this computer's network">
          Its ports are this computer's ports. What its system does to an interface when it starts, such as asking for an address, happens
          to this computer, which may lose its connection.
        </Alert>
      )}
      {children}
      <HardenedField
        isHardened={values.hardened}
        onChanged={(hardened) => onChanged({ ...values, hardened })}
        obstacle={explainHardened(isClone, isUnprivileged)}
        isApplication={isApplication}
      />
      <Switch
        label="Start when this computer starts"
        checked={values.autostart}
        onChange={(event) => onChanged({ ...values, autostart: event.currentTarget.checked })}
      />
    </>
  );
}
