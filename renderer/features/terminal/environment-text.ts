/** As the helper takes them (contract/terminal.ts). */
const maxVariables = 32;

/** Variables of an environment as they are typed, one a line; or what is wrong with them, as a sentence. */
export function parseEnvironment(text: string): { values: Record<string, string> } | { reason: string } {
  const values: Record<string, string> = {};
  for (const line of text.split("\n").map((part) => part.trim())) {
    if (line === "") continue;
    const [, name, value] = /^([A-Za-z][A-Za-z0-9_]{0,63})=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return { reason: `“${line.slice(0, 40)}” is not like NAME=value.` };
    values[name] = value;
  }
  if (Object.keys(values).length > maxVariables) return { reason: `There can be at most ${maxVariables} variables.` };
  return { values };
}
