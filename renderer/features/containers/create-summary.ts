import type { Fact } from "../../ui/facts-table.tsx";
import { formatList } from "../../ui/format.ts";
import { copyOf } from "./clone-values.ts";
import { toFirstStart } from "./first-start-values.ts";
import { explainHardened } from "./option-values.ts";
import type { CreateChoices } from "./use-create-choices.ts";

type Chosen = Pick<CreateChoices, "values" | "names" | "template" | "choice" | "base" | "isUnprivileged" | "mayReserve"> & {
  ociFile: Pick<CreateChoices["ociFile"], "file">;
};

/** What was chosen, in words: a line each. */
export function summaryOf(chosen: Chosen): Fact[] {
  const { values, names, isUnprivileged } = chosen;
  const { more } = values;
  const limits = [
    more.cpus !== "" && `${more.cpus} CPU ${Number(more.cpus) === 1 ? "core" : "cores"}`,
    more.memoryMebibytes !== "" && `${more.memoryMebibytes} MiB of memory`,
    more.processes !== "" && `${more.processes} processes`,
    more.diskMebibytes !== "" && `${more.diskMebibytes} MiB of disk`,
  ].filter(Boolean);
  const firstStart = values.start ? toFirstStart(values.firstStart) : undefined;
  const none = values.source === "clone" ? "As its base" : "None";
  return [
    names.length === 1 ? ["Name", names[0]] : ["Names", `${names[0]} to ${names.at(-1)}`],
    ["Made of", sourceText(chosen)],
    ["Root inside", isUnprivileged ? "Nobody on this computer (unprivileged)" : "Root on this computer (privileged)"],
    ...(more.hardened && explainHardened(values.source === "clone", isUnprivileged) === undefined
      ? [["Hardened", "All that isolates it is turned on"] as Fact]
      : []),
    ["Limits", limits.length > 0 ? limits.join(", ") : none],
    ["Network", networkText(chosen)],
    ["Starts", startText(values.start, more.autostart)],
    ...(firstStart ? [["First start", firstStartText(firstStart)] as Fact] : []),
  ];
}

function sourceText({ values, template, choice, base, ociFile }: Chosen): string {
  if (values.source === "template") return `The template ${template?.title ?? values.template}`;
  if (values.source === "image") return `The image ${choice?.from === "ready" ? choice.image.title : (choice?.row.name ?? "")}`;
  if (values.source === "oci") return ociFile.file ? `An OCI image in ${ociFile.file.name}` : `The OCI image ${values.ociReference}`;
  if (values.source === "archive") return `The archive ${values.archive?.name ?? ""}`;
  const what = copyOf(values.clone, base) === "full" ? "A full copy" : "An instant clone";
  return `${what} of ${values.cloneFrom}${values.clone.snapshot === "" ? "" : `, as in ${values.clone.snapshot}`}`;
}

function networkText({ values, mayReserve }: Chosen): string {
  const { network } = values.more;
  if (network === "none") return "None";
  if (network === "host") return "This computer's own";
  const where = network === "default" ? (values.source === "clone" ? "As its base" : "The usual bridge") : network.replace(":", " ");
  return mayReserve ? `${where}, ${values.address === "static" ? "with a fixed address" : "by DHCP"}` : where;
}

/** In the order in which it is done. */
function firstStartText({ packages, user, command }: NonNullable<ReturnType<typeof toFirstStart>>): string {
  const texts = [
    packages && `installs ${packages.join(", ")}`,
    user &&
      `makes the user ${user.name}${user.key === undefined ? "" : " with an SSH key"}${user.mayBecomeRoot ? " who may become root" : ""}`,
    command !== undefined && `runs a command (${command.trim().split("\n")[0]}${command.trim().includes("\n") ? " …" : ""})`,
  ].filter((text) => text !== undefined && text !== false);
  return formatList(texts).replace(/^./, (letter) => letter.toUpperCase());
}

function startText(start: boolean, autostart: boolean): string {
  if (start) return autostart ? "After creation, and with this computer" : "After creation";
  return autostart ? "With this computer" : "When asked to";
}
