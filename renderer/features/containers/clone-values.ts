import type { Container } from "../../../privileged-helper/contract/model.ts";

export type Copy = "instant" | "full";

/** What is asked about a clone, beside its base. */
export type CloneValues = {
  /** What the person would like; see `copyOf`. */
  copy: Copy;
  /** Of its base, or empty: as it is now. */
  snapshot: string;
};

/** Why an instant clone is not possible now; undefined where it is. */
export function reasonAgainstInstant({ name, state, storage }: Container, snapshot: string): string | undefined {
  const runs = state === "running" || state === "frozen";
  if (!runs || snapshot !== "" || storage === "btrfs") return undefined;
  return `${name} is ${state}: an instant clone shares its files, so they have to stay as they are.`;
}

/** How it will be made: as the person would like, where that is possible. */
export function copyOf({ copy, snapshot }: CloneValues, base: Container | undefined): Copy {
  return base && reasonAgainstInstant(base, snapshot) !== undefined ? "full" : copy;
}
