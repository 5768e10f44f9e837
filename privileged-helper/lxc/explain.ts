/**
 * The cause of a failed command in one or two sentences, where its output shows it. LXC logs a chain of errors, of which the first
 * one counts and the others only follow from it; each entry below was recorded from a real failure (testdata/explain).
 * @param output What the command printed, and the errors of LXC's log where there are some.
 * @returns Nothing where no known cause is found: the caller then says what did not work.
 */
export function explainOutput(output: string): string | undefined {
  for (const [pattern, explain] of causes) {
    const match = pattern.exec(output);
    if (match) return explain(...match.slice(1).map((part) => (part ?? "").slice(0, maxQuotedCharacters)));
  }
  return undefined;
}

/** What is quoted comes from outside and has no length of its own. */
const maxQuotedCharacters = 200;

/** In order: what is more telling comes first. */
const causes: [RegExp, (...parts: string[]) => string][] = [
  [/No space left on device|Disk quota exceeded/, () => "The disk is full. Free some space and try again."],
  [/Read-only file system/, () => "The file system is mounted read-only."],

  // The configuration; why a container does not start is told by start-causes.ts.
  [/Unsupported config key "([^"]+)"/, (key) => `The container's configuration has a key that LXC does not know: ${key}.`],
  [
    /Failed to open file "([^"]+)"[\s\S]*lxc\.include/,
    (path) => `The container's configuration includes a file that is not there: ${path}.`,
  ],
  [
    /Failed to parse config file "[^"]*" at line "([^"]*)"/,
    (line) => `LXC does not understand a line of the container's configuration: ${line}`,
  ],
  [/No container config specified/, () => "The container has no configuration file."],

  // Making and removing.
  [/Invalid release (\S+) \(not found in mirror\)/, (release) => `The mirror has no release ${release}, or it cannot be reached.`],
  [
    /Failed to download (https?:\/\/[^/\s]+)/,
    (server) => `Nothing could be downloaded from ${server}. Check this computer's connection to the internet.`,
  ],
  [
    /^E: (?:Failed getting|Couldn't download|Couldn't find these debs)/m,
    () => "The packages of the distribution could not be downloaded. Check this computer's connection to the internet.",
  ],
  [
    /^E: (?:Invalid Release signature|Release signed by unknown key)/m,
    () => "The mirror's packages are not signed by a key that this computer knows. Install the distribution's keyring package.",
  ],
  [/Please pass a pathname for busybox binary/, () => "The program busybox is not installed. Install the package busybox-static."],
  [
    /'debootstrap' command is missing|debootstrap: (?:command )?not found/,
    () => "The program debootstrap is not installed. Install the package debootstrap.",
  ],
  [/bad template: (\S+)/, (template) => `LXC has no template ${template} on this computer.`],
  [/Container already exists/, () => "A container of this name exists already."],
  [/has clones/, () => "Other containers are clones of it and need its files."],
  [/has snapshots/, () => "It has snapshots, which need its files."],

  // Anything.
  [/\S+ is running$/m, () => "The container is running."],
  [/\S+ is not running$/m, () => "The container is not running."],
  [/Cannot allocate memory|Out of memory/i, () => "This computer has no memory left for it."],
];
