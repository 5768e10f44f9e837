import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";

/** What stands in the fields that every new container has. A number that is being typed is a text, and nothing is "". */
export type OptionValues = {
  cpus: number | string;
  memoryMebibytes: number | string;
  processes: number | string;
  diskMebibytes: number | string;
  network: NetworkChoice;
  autostart: boolean;
  hardened: boolean;
};
export type NetworkChoice = "default" | "none" | "host" | `bridge:${string}`;
export type Limit = "cpus" | "memoryMebibytes" | "processes" | "diskMebibytes";

export const untouchedOptions: OptionValues = {
  cpus: "",
  memoryMebibytes: "",
  processes: "",
  diskMebibytes: "",
  network: "default",
  autostart: false,
  hardened: false,
};

const bytesPerMebibyte = 1024 * 1024;
/** What the helper takes; more than any computer has is a typing error. */
export const limitRanges: Record<Limit, { min: number; max: number; isWhole: boolean }> = {
  cpus: { min: 0.1, max: 4096, isWhole: false },
  memoryMebibytes: { min: 16, max: 4_294_967_296, isWhole: true },
  processes: { min: 8, max: 4_194_304, isWhole: true },
  diskMebibytes: { min: 16, max: 4_294_967_296, isWhole: true },
};

/** Why a limit cannot be taken; undefined where it can, and where there is none. */
export function explainLimit(limit: Limit, typed: number | string): string | undefined {
  if (typed === "") return undefined;
  const value = Number(typed);
  const { min, max, isWhole } = limitRanges[limit];
  if (Number.isNaN(value) || (isWhole && !Number.isInteger(value))) return `Type a ${isWhole ? "whole number" : "number"}, or nothing.`;
  if (value < min) return `Type at least ${min}, or nothing.`;
  return value > max ? `Type at most ${max}, or nothing.` : undefined;
}

/**
 * Why a container cannot have a network; undefined where it can.
 * @param bridges Of this computer; absent while they are not known.
 */
export function explainNetwork(network: NetworkChoice, isUnprivileged: boolean, bridges?: readonly string[]): string | undefined {
  if (network === "host" && isUnprivileged) return "Only a privileged container can share this computer's network.";
  const missing = missingBridge(network, bridges);
  return missing === undefined ? undefined : `There is no bridge ${missing} on this computer. Choose another network.`;
}

export function areOptionsGood(values: OptionValues, isUnprivileged: boolean, bridges?: readonly string[]): boolean {
  const limits = Object.keys(limitRanges) as Limit[];
  return (
    limits.every((limit) => explainLimit(limit, values[limit]) === undefined) && !explainNetwork(values.network, isUnprivileged, bridges)
  );
}

/** What a profile has chosen stays there by its name, also where it is not on this computer any more. */
export function networkChoices(
  chosen: NetworkChoice,
  isClone: boolean,
  bridges?: readonly string[],
): { value: NetworkChoice; label: string }[] {
  const missing = missingBridge(chosen, bridges ?? []);
  const note = bridges ? " (not on this computer)" : "";
  return [
    { value: "default", label: isClone ? "As its base" : "As usual on this computer" },
    ...(bridges ?? []).map((bridge) => ({ value: `bridge:${bridge}` as const, label: `Bridge ${bridge}` })),
    ...(missing === undefined ? [] : [{ value: chosen, label: `Bridge ${missing}${note}` }]),
    { value: "none", label: "None" },
    { value: "host", label: "This computer's own" },
  ];
}

function missingBridge(network: NetworkChoice, bridges: readonly string[] | undefined): string | undefined {
  const bridge = network.startsWith("bridge:") ? network.slice("bridge:".length) : undefined;
  return bridge === undefined || bridges === undefined || bridges.includes(bridge) ? undefined : bridge;
}

/** True where an address may be reserved: it is one of LXC's own bridge, on which new containers usually are. */
export function mayReserveAddress(network: NetworkChoice, lxcBridge: string | undefined): boolean {
  return network === "default" || network === `bridge:${lxcBridge}`;
}

/** What is asked of the helper: only what was filled in. */
export function toOptions(
  values: OptionValues,
): Pick<ParamsInputOf<"containers.create">, "resources" | "network" | "autostart" | "hardened"> {
  const { network, autostart, hardened } = values;
  const resources = {
    cpus: numberOf(values.cpus),
    memoryBytes: bytesOf(values.memoryMebibytes),
    processes: numberOf(values.processes),
    diskBytes: bytesOf(values.diskMebibytes),
  };
  return {
    ...(Object.values(resources).some((limit) => limit !== undefined) && { resources }),
    ...(network !== "default" && { network: requestedNetwork(network) }),
    autostart,
    ...(hardened && { hardened }),
  };
}

/** Why a container cannot be hardened at once; undefined where it can. */
export function explainHardened(isClone: boolean, isUnprivileged: boolean): string | undefined {
  if (isClone) return "A clone is as its base is. Harden it once it is there, on its tab Security.";
  return isUnprivileged ? undefined : "Only an unprivileged container can be hardened: root of a privileged one is root here.";
}

/** What stands in the fields where that is asked for. */
export function typedOptions({ resources = {}, network, autostart = false, hardened = false }: ReturnType<typeof toOptions>): OptionValues {
  const { cpus, memoryBytes, processes, diskBytes } = resources;
  return {
    cpus: cpus ?? "",
    memoryMebibytes: mebibytesOf(memoryBytes),
    processes: processes ?? "",
    diskMebibytes: mebibytesOf(diskBytes),
    network: network === undefined ? "default" : network.type === "bridge" ? `bridge:${network.bridge}` : network.type,
    autostart,
    hardened,
  };
}

function requestedNetwork(choice: Exclude<NetworkChoice, "default">): ParamsInputOf<"containers.create">["network"] {
  if (choice === "none" || choice === "host") return { type: choice };
  return { type: "bridge", bridge: choice.slice("bridge:".length) };
}

function bytesOf(mebibytes: number | string): number | undefined {
  const number = numberOf(mebibytes);
  return number === undefined ? undefined : number * bytesPerMebibyte;
}

function mebibytesOf(bytes: number | undefined): number | "" {
  return bytes === undefined ? "" : bytes / bytesPerMebibyte;
}

function numberOf(typed: number | string): number | undefined {
  return typed === "" ? undefined : Number(typed);
}
