import { toPlainText } from "./plain-text.ts";

/**
 * An option as a template's own help tells it. Templates are scripts by many people: what they print has no format, only habits, and
 * these are the ones that Debian's templates have.
 */
export type HelpOption = {
  /** The long name without hyphens, or the letter where there is no other. */
  name: string;
  /** How it is passed on: `--release=`, `--release` or `-r`. */
  flag: string;
  /** What the help calls its value: "<path>", "URL". Absent where it shows none, which does not mean that there is none. */
  argument?: string;
  description: string;
  /** Values that the help lists. */
  suggestions: string[];
};

type Found = { names: string[]; argument?: string; withEquals: boolean };

const maxHelpCharacters = 64 * 1024;
const maxDescriptionCharacters = 300;
const maxSuggestions = 40;

/** `-r`, `--release`, and one with a hyphen too many. */
const option = "(?:-{2,3}[A-Za-z0-9][A-Za-z0-9_-]*|-[A-Za-z0-9](?![A-Za-z0-9_-]))";
/**
 * `=<path>`, `=PATH`, ` <path>`, ` URL`; ` A  description` in columns; ` nn.n` only where the synopsis goes on or its bracket ends.
 * A word in capitals that begins a description is none, so there has to be a single blank before it, or two after it.
 */
const argument = String.raw`(?:=(?:<[^>\n]*>|[^\s|\[\]]+)| <[^>\n]*>| [A-Z][A-Z0-9_]*(?=[,\s\]]|$)|[ ]+[A-Z](?=[ ]{2}|$)| [^\s\[\]|<>-][^\s\[\]|]*(?=\s*\]|\s+-|$))`;
/** Names of one option, and what is between them: `-r|--release=<release>`, `-a ARCH, --arch=ARCH`, `-m URL --mirror=URL`. */
const spec = String.raw`(?:-[A-Za-z0-9] [A-Z]+ (?=--))?${option}${argument}?(?:\s*[|,]\s*${option}${argument}?)*`;

/** The options that a template's help tells of, in its order. */
export function parseHelp(output: string): HelpOption[] {
  const lines = toPlainText(output.slice(0, maxHelpCharacters)).split("\n");
  const options = new Map<string, HelpOption>();
  const aliases = new Map<string, string>();

  const add = ({ names, argument, withEquals }: Found, description: string) => {
    const name = nameOf(names, aliases);
    for (const one of names) aliases.set(one, name);
    const before = options.get(name);
    const found = argument ?? before?.argument;
    const isLong = name.length > 1;
    options.set(name, {
      name,
      flag: isLong ? `--${name}${withEquals || before?.flag.endsWith("=") ? "=" : ""}` : `-${name}`,
      ...(found !== undefined && { argument: found }),
      description: before?.description || description,
      suggestions: [],
    });
  };

  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    // How lxc-create is called, not the template.
    if (/\blxc-create\b/.test(line)) continue;
    const detail = readDetail(line);
    if (detail) {
      const more = continuation(lines, index, line);
      add(detail.found, words([detail.description, ...more].join(" ")));
      index += more.length;
      continue;
    }
    for (const found of readSynopsis(line)) add(found, "");
  }
  describeByName(lines, options, aliases);
  return [...options.values()].map((one) => ({
    ...one,
    description: one.description.slice(0, maxDescriptionCharacters),
    suggestions: listedValues(one.description),
  }));
}

/** An option at the start of a line, then its description after two blanks, a tab, or a bracket and a colon. */
function readDetail(line: string): { found: Found; description: string } | undefined {
  const match = new RegExp(String.raw`^\s*(?:\[\s*(${spec})\s*\]\s*:\s+|(${spec})(?:\s{2,}|\t|\s*$))(.*)$`).exec(line);
  if (!match) return undefined;
  const [, bracketed, bare, description = ""] = match;
  // More options follow: a synopsis.
  return /^[[-]/.test(description) ? undefined : { found: readSpec(bracketed ?? bare ?? ""), description };
}

/** Every option of a line like `-h|--help [-a|--arch=<arch>] [--tty <number>]`; words of a sentence are none. */
function readSynopsis(line: string): Found[] {
  const found: Found[] = [];
  const bracketed = new RegExp(String.raw`\[\s*(${spec})\s*\]|(?<![\w\[-])(${option}\s*\|\s*${spec})`, "g");
  for (const [, inBrackets, bare] of line.matchAll(bracketed)) found.push(readSpec(inBrackets ?? bare ?? ""));
  // What stands alone in a synopsis: `... -p|--path=<path> --clean`.
  if (found.length > 0) {
    const alone = /(?<=[\w>\]] )(--[A-Za-z0-9][A-Za-z0-9_-]*(?:=<[^>]*>)?)(?=\s|$)/g;
    for (const [, text = ""] of line.matchAll(alone)) found.push(readSpec(text));
  }
  return found;
}

function readSpec(text: string): Found {
  const parts = [...text.matchAll(new RegExp(`(${option})(${argument})?`, "g"))];
  const given = parts.map(([, , value]) => value).filter((value) => value !== undefined);
  const last = given.at(-1);
  return {
    names: parts.map(([, name = ""]) => name.replace(/^-+/, "")),
    ...(last !== undefined && { argument: last.replace(/^[=\s]+/, "") }),
    withEquals: given.some((value) => value.startsWith("=")),
  };
}

/** The long name; the one that a letter is known to stand for already. */
function nameOf(names: readonly string[], aliases: ReadonlyMap<string, string>): string {
  const long = names.find((name) => name.length > 1);
  if (long !== undefined) return long;
  const [letter = ""] = names;
  return aliases.get(letter) ?? letter;
}

/** Lines that go on with a description: further in than the option, and no option themselves. */
function continuation(lines: readonly string[], index: number, line: string): string[] {
  const indent = indentOf(line);
  const more: string[] = [];
  for (const next of lines.slice(index + 1)) {
    if (next.trim() === "" || indentOf(next) <= indent || /^\s*\[?\s*-/.test(next)) break;
    more.push(next);
  }
  return more;
}

/** Lines like `mirror,security-mirror: where from`, below a synopsis that describes nothing. */
function describeByName(lines: readonly string[], options: Map<string, HelpOption>, aliases: ReadonlyMap<string, string>) {
  lines.forEach((line, index) => {
    const [, keys, text] = /^([a-z][a-z0-9_-]*(?:\s*,\s*[a-z][a-z0-9_-]*)*):\s+(\S.*)$/.exec(line) ?? [];
    if (keys === undefined || text === undefined) return;
    const description = words([text, ...continuationByName(lines, index)].join(" "));
    for (const key of keys.split(/\s*,\s*/)) {
      const found = options.get(aliases.get(key) ?? key);
      if (found && found.description === "") options.set(found.name, { ...found, description });
    }
  });
}

function continuationByName(lines: readonly string[], index: number): string[] {
  const more: string[] = [];
  for (const next of lines.slice(index + 1)) {
    if (next.trim() === "" || /^[a-z][a-z0-9_,-]*:/.test(next)) break;
    more.push(next);
  }
  return more;
}

/** `[i686,x86_64]`, `[i386 x86_64]`, `Can be one of: amd64, armhf.` */
function listedValues(description: string): string[] {
  const [, inBrackets] = /\[([^\]]+)\]/.exec(description) ?? [];
  const [, afterWords] = /\bone of:?\s+([A-Za-z0-9_.+-]+(?:,\s+[A-Za-z0-9_.+-]+)+)/i.exec(description) ?? [];
  const values = (inBrackets ?? afterWords ?? "").split(/[\s,|/]+/).map((value) => value.replace(/\.$/, ""));
  const good = [...new Set(values)].filter((value) => /^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(value));
  return good.length > 1 ? good.slice(0, maxSuggestions) : [];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function words(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
