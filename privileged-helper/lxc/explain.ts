/**
 * The cause of a failed command in one sentence, where its output shows it.
 * @returns Nothing where no known cause is found: the caller then says what did not work.
 */
export function explainOutput(output: string): string | undefined {
  return causes.find(({ pattern }) => pattern.test(output))?.sentence;
}

const causes: { pattern: RegExp; sentence: string }[] = [];
