import { explainCommand, explainPackages, explainPublicKey, explainUserName } from "../../../privileged-helper/contract/first-start.ts";
import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";

/** What stands in the fields of the first start, as it is typed. */
export type FirstStartValues = { packages: string; user: string; key: string; mayBecomeRoot: boolean; command: string };

export const nothingAtFirstStart: FirstStartValues = { packages: "", user: "", key: "", mayBecomeRoot: true, command: "" };

/** Why what was typed cannot be taken, by field; nothing where it can, and where there is nothing. */
export function explainFirstStart({ packages, user, key, command }: FirstStartValues): Partial<Record<keyof FirstStartValues, string>> {
  const names = namesIn(packages);
  return {
    packages: names.length > 0 ? explainPackages(names) : undefined,
    user: user !== "" ? explainUserName(user) : key.trim() !== "" ? "Whose key is it? Type a name." : undefined,
    key: key.trim() === "" ? undefined : explainPublicKey(key.trim()),
    command: command.trim() === "" ? undefined : explainCommand(command),
  };
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

function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}
