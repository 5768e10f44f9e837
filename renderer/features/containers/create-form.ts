import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { Container, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { explainNewName } from "../../../privileged-helper/contract/names.ts";
import { type OptionValues, toOptions } from "./option-values.ts";
import { optionsOf, type TypedOptions } from "./template-values.ts";

/** What the create dialog asks for. */
export type CreateValues = {
  name: string;
  source: "template" | "clone";
  template: string;
  /** What was typed into each template's form, by the template's name: it is still there when one comes back to it. */
  options: Readonly<Record<string, TypedOptions>>;
  cloneFrom: string;
  unprivileged: boolean;
  start: boolean;
  address: "static" | "dhcp";
  more: OptionValues;
};

type Containers = ReadonlyMap<string, Container>;

/** Why a name cannot be taken; undefined where it can. */
export function explainName(name: string, containers: Containers): string | undefined {
  return explainNewName(name) ?? (containers.has(name) ? `There is a container ${name} already.` : undefined);
}

/** A name that is free: the source's, made a host name, with the lowest number that makes it so. */
export function suggestName(source: string, containers: Containers): string {
  const hostName = source.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const stem =
    hostName
      .slice(0, 55)
      .replace(/-?\d*-?$/, "")
      .replace(/^-/, "") || "container";
  for (let number = 1; ; number++) {
    const name = `${stem}-${number}`;
    if (!containers.has(name)) return name;
  }
}

/** Why a container cannot be cloned now; undefined where it can. */
export function reasonAgainstClone({ manageable, state, operation }: Container): string | undefined {
  if (!manageable) return "only shown here";
  if (operation) return "busy";
  if (state === "error") return "it cannot run";
  return state === "stopped" ? undefined : `${state}: stop it first`;
}

/** What can be cloned comes first; what cannot says why. */
export function cloneChoices(containers: Containers): { value: string; label: string; disabled: boolean }[] {
  return [...containers.values()]
    .map((container) => {
      const reason = reasonAgainstClone(container);
      return { value: container.name, label: reason ? `${container.name} (${reason})` : container.name, disabled: reason !== undefined };
    })
    .sort((a, b) => Number(a.disabled) - Number(b.disabled) || a.value.localeCompare(b.value, "en", { numeric: true }));
}

/** @param form Of the template that is chosen. */
export function toRequest(values: CreateValues, form: readonly TemplateOption[]): ParamsInputOf<"containers.create"> {
  const { name, source, template, options, cloneFrom, unprivileged, start, address, more } = values;
  return {
    name,
    source:
      source === "clone"
        ? { type: "clone", from: cloneFrom }
        : { type: "template", template, options: optionsOf(form, options[template] ?? {}) },
    unprivileged,
    start,
    address,
    ...toOptions(more),
  };
}
