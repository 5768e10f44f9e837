import type { RememberedRight, RightAnswer, Rights } from "../../../privileged-helper/contract/model.ts";

/** What polkit says of a right, for the person whom it is about. */
export function rightAnswerText(answer: RightAnswer, isRootEquivalent: boolean): string {
  if (answer === "granted") return "May";
  if (answer === "refused") return "May not";
  if (answer === "unknown") return "Not known";
  return isRootEquivalent ? "With a password, each time" : "With a password";
}

/** What is remembered, by the helper or by polkit, and still is at that time, in milliseconds since the epoch; what ends first comes first. */
export function heldRights({ remembered, kept = [] }: Rights, now: number): RememberedRight[] {
  return [...remembered, ...kept].filter(({ until }) => until > now).sort((one, other) => one.until - other.until);
}
