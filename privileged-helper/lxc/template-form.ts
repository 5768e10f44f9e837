import type { TemplateOption } from "../contract/model.ts";
import { secretOption } from "../contract/template-options.ts";
import type { HelpOption } from "./template-help.ts";

/** What we know of an option, beside what its template's help tells. */
export type Meaning = Partial<Omit<TemplateOption, "name">>;

/** Of one template: what its options mean, or false where one is not to be offered although nothing here forbids it. */
export type Meanings = Readonly<Record<string, Meaning | false>>;

/** Options that mean the same in most templates. */
const usualMeanings: Readonly<Record<string, Meaning>> = {
  release: { kind: "word", label: "Release", description: "Empty: what the template takes by itself." },
  arch: { kind: "word", label: "Architecture", description: "Empty: this computer's own." },
  variant: { kind: "word", label: "Variant", isMore: true },
  packages: { kind: "list", label: "Extra packages", description: "Installed as well: names, separated by commas.", isMore: false },
  rpms: { kind: "list", label: "Extra packages", description: "Installed as well: names, separated by commas.", isMore: false },
  user: { kind: "user", label: "User" },
  password: { kind: "password", label: "Password", description: "Empty: none." },
  root_password: { kind: "password", label: "Password of root", description: "Empty: none." },
  mirror: { kind: "url", label: "Mirror", description: "Empty: the template's own." },
  "security-mirror": { kind: "url", label: "Security mirror", description: "Where security updates come from. Empty: the template's own." },
  url: { kind: "url", label: "Mirror", description: "Empty: the template's own." },
  "flush-cache": {
    kind: "yes-no",
    label: "Download anew",
    description: "Throws away what earlier containers of this kind were made from.",
  },
  "enable-non-free": {
    kind: "yes-no",
    label: "Non-free packages too",
    description: "Adds the distribution's contrib and non-free sections.",
  },
  fqdn: { kind: "word", label: "Full host name", description: "With its domain, such as web.example.org." },
  "mask-tmp": { kind: "yes-no", label: "Keep /tmp on disk" },
};
/** Shown at once, in this order; all others are among "More options". */
const mainOptions = ["release", "arch", "packages", "rpms", "user", "password", "root_password"];

/** LXC's or ours to give, also by their usual letters; an end of its own instead of a container; what would print a password; the network, which is ours. */
const neverOffered = new Set([
  ...["help", "h", "name", "n", "path", "p", "rootfs", "list", "clean", "cache-only", "debug", "unprivileged", "flush-owner"],
  ...["ipv4", "ipv6", "gw", "gw6", "dns", "hwaddr", "config"],
]);
/** Files and folders of this computer, and programs of one's own that root would run. */
const ofTheHost =
  /(^|[-_])(paths?|dirs?|directory|folder|files?|rootfs|fstree|metadata|tarball|template|templatefs|patch|image|home|bindhome|bind|mounts?|volumes?|mapped|userns|uid|gid|keys?|keyring|keyfile|userdata|vendordata|hooks?|scripts?|command|cmd|exec|run|include)([-_]|$)/i;
const aboutTheHost = /\b(paths?|files?|folders?|director(y|ies)|tarballs?|pathname|bind|mount|host's (home|files))\b/i;

/**
 * The form of a template: the options of its help as far as they may be offered, in words of ours where we know them.
 * @param help Of its own.
 * @param meanings What is known of this template; an option with a flag is offered although the help says nothing of it.
 */
export function templateForm(help: readonly HelpOption[], meanings: Meanings = {}): TemplateOption[] {
  const offered = help.flatMap((found) => {
    const known = Object.hasOwn(meanings, found.name) ? meanings[found.name] : undefined;
    if (known === false || (known === undefined && !mayBeOffered(found))) return [];
    return [toOption(found, known)];
  });
  const unmentioned = Object.entries(meanings).flatMap(([name, meaning]) => {
    if (meaning === false || meaning.flag === undefined || help.some((found) => found.name === name)) return [];
    return [toOption({ name, flag: meaning.flag, description: "", suggestions: [] }, meaning)];
  });
  const rank = ({ name }: TemplateOption) => (mainOptions.includes(name) ? mainOptions.indexOf(name) : mainOptions.length);
  return [...offered, ...unmentioned].sort((a, b) => rank(a) - rank(b));
}

/** Whether an option of which nobody has told us anything can do no harm, as far as its name and its help tell. */
function mayBeOffered({ name, argument = "", description }: HelpOption): boolean {
  if (neverOffered.has(name) || ofTheHost.test(name) || ofTheHost.test(argument.replace(/[<>\s]/g, "-"))) return false;
  if (/\bnot used\b/i.test(description)) return false;
  return Object.hasOwn(usualMeanings, name) || !aboutTheHost.test(`${argument} ${description}`);
}

function toOption({ name, flag, argument, description, suggestions }: HelpOption, known: Meaning = {}): TemplateOption {
  const meaning = { ...(Object.hasOwn(usualMeanings, name) ? usualMeanings[name] : undefined), ...known };
  const kind = meaning.kind ?? guessKind(name, argument);
  const told = meaning.description ?? (description === "" ? undefined : sentence(description));
  return {
    name,
    kind,
    label: meaning.label ?? labelOf(name),
    ...(told !== undefined && { description: told }),
    suggestions: kind === "yes-no" || kind === "password" ? [] : meaning.suggestions?.length ? meaning.suggestions : suggestions,
    ...(meaning.default !== undefined && { default: meaning.default }),
    // Our own description of a flag with a value may be better than the help's, which shows none.
    flag: meaning.flag ?? (kind !== "yes-no" && argument === undefined && flag.startsWith("--") && !flag.endsWith("=") ? `${flag}=` : flag),
    isMore: meaning.isMore ?? !mainOptions.includes(name),
  };
}

function guessKind(name: string, argument: string | undefined): TemplateOption["kind"] {
  if (secretOption.test(name)) return "password";
  if (argument === undefined) return "yes-no";
  if (/(^|[-_])(url|mirror|repo|repository)([-_]|$)/i.test(`${name}-${argument.replace(/[<>\s]/g, "-")}`)) return "url";
  return /,|\.\.\./.test(argument) ? "list" : "word";
}

function labelOf(name: string): string {
  const text = name.length === 1 ? `Option ${name}` : name.replace(/[-_]+/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?)]$/.test(text) ? "" : "."}`;
}
