import type * as z from "zod";
import type { installedAs, problem } from "./problem-schema.ts";

/**
 * Everything that can go wrong, as data. Whoever shows a problem maps its code to a title, a sentence and remedies; the
 * mapping is exhaustive by type, so a new code does not compile until every reader knows it.
 */
export type Problem = z.infer<typeof problem>;
export type InstalledAs = z.infer<typeof installedAs>;
export type ProblemCode = Problem["code"];

/** An error that carries a problem across the wire and out of deep calls. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(inWords(problem));
    this.name = "ProblemError";
  }
}

const longestDescription = 2000;

/** For whoever sees the error itself, in evidence or where a test fails: its code, and what it says in words. */
function inWords({ code, ...rest }: Problem): string {
  const words = Object.values(rest).filter((value) => typeof value === "string" && value !== "");
  return [code, ...words].join(": ").slice(0, longestDescription);
}

/**
 * The problem inside anything thrown.
 * @returns The problem of a ProblemError; for everything else `internal` with the message, because a stack is no answer.
 */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "internal", detail: message.slice(0, 4096) };
}
