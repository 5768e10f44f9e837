import { explainCommand, explainPackages, explainPublicKey, explainUserName } from "../../../privileged-helper/contract/first-start.ts";
import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { Template } from "../../../privileged-helper/contract/model.ts";
import type { NetworkChoice } from "./option-values.ts";

/** What stands in the fields of the first start, as it is typed. */
export type FirstStartValues = { packages: string; user: string; key: string; mayBecomeRoot: boolean; command: string };

export const nothingAtFirstStart: FirstStartValues = { packages: "", user: "", key: "", mayBecomeRoot: true, command: "" };

/** Why no packages can be installed in what is made; undefined where they can, as far as that is known. */
export function reasonAgainstPackages(network: NetworkChoice, template: Template | undefined): string | undefined {
  if (template?.hasNoPackages) return `${template.title} has no package manager.`;
  return network === "none" ? "It has no network to fetch them from." : undefined;
}

/**
 * Why what was typed cannot be taken, by field; nothing where it can, and where there is nothing.
 * @param noPackages Why there can be no packages.
 */
export function explainFirstStart(
  { packages, user, key, command }: FirstStartValues,
  noPackages: string | undefined,
): Partial<Record<keyof FirstStartValues, string>> {
  const names = namesIn(packages);
  return {
    packages: names.length === 0 ? undefined : (noPackages ?? explainPackages(names)),
    user: user !== "" ? explainUserName(user) : key.trim() !== "" ? "Whose key is it? Type a name." : undefined,
    key: key.trim() === "" ? undefined : explainPublicKey(key.trim()),
    command: command.trim() === "" ? undefined : explainCommand(command),
  };
}

export function isFirstStartGood(values: FirstStartValues, noPackages: string | undefined): boolean {
  return Object.values(explainFirstStart(values, noPackages)).every((error) => error === undefined);
}

/** What is asked for; undefined where nothing was filled in. */
export function toFirstStart(values: FirstStartValues): ParamsInputOf<"containers.create">["firstStart"] {
  const { packages, user, key, mayBecomeRoot, command } = values;
  const names = namesIn(packages);
  const asked = {
    ...(names.length > 0 && { packages: names }),
    ...(user !== "" && { user: { name: user, ...(key.trim() !== "" && { key: key.trim() }), mayBecomeRoot } }),
    ...(command.trim() !== "" && { command }),
  };
  return Object.keys(asked).length > 0 ? asked : undefined;
}

/** What stands in the fields where that is asked for. */
export function typedFirstStart({ packages = [], user, command = "" }: ReturnType<typeof toFirstStart> = {}): FirstStartValues {
  return {
    packages: packages.join(" "),
    user: user?.name ?? "",
    key: user?.key ?? "",
    mayBecomeRoot: user?.mayBecomeRoot ?? nothingAtFirstStart.mayBecomeRoot,
    command,
  };
}

function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}
