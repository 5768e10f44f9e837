import { lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { templateName } from "../contract/methods.ts";
import type { Template } from "../contract/model.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import { explainOptionValue, type TemplateOptions } from "../contract/template-options.ts";
import type { HostFacts } from "./host-facts.ts";
import { canInstall } from "./host-packages.ts";
import { type KnownTemplate, knownTemplates } from "./known-templates.ts";
import { findProgram } from "./programs.ts";
import { run } from "./run.ts";
import { templateForm } from "./template-form.ts";
import { type HelpOption, parseHelp } from "./template-help.ts";

/** Where LXC's packages put their templates; the folder is compiled into lxc-create. */
export const templatesFolder = "/usr/share/lxc/templates";

/** Sources of their own in the app: images from a server, from a registry, and from a file. */
const otherSources = ["download", "oci", "local"];

type World = {
  folder?: string;
  /** So long each is waited for; its form is what we know of it where it takes longer. */
  helpTimeoutSeconds?: number;
  /** Without them it is not told what could be installed. */
  facts?: HostFacts;
};

/**
 * The templates that are installed, those that we know first, each with its form and what it still lacks. Root runs a template, so one
 * that somebody else could have changed is none.
 */
export async function listTemplates(world: World = {}): Promise<Template[]> {
  const names = installedTemplates(world.folder);
  const templates: Template[] = [];
  const waiting = names.entries();
  // Each prints its help in a tenth of a second, most of which it waits.
  const work = async () => {
    for (const [index, name] of waiting) templates[index] = await describeTemplate(name, world);
  };
  await Promise.all(Array.from({ length: helpsAtOnce }, work));
  return templates;
}

/** @throws ProblemError `not-found`. */
export async function findTemplate(name: string, world: World = {}): Promise<Template> {
  if (!installedTemplates(world.folder).includes(name)) throw new ProblemError({ code: "not-found", what: `template ${name}` });
  return describeTemplate(name, world);
}

/**
 * Refuses what this template's form does not have.
 * @throws ProblemError `invalid-request` that names each option.
 */
export function checkOptions({ title, options: form }: Template, options: TemplateOptions): void {
  const issues = Object.entries(options).flatMap(([name, value]) => {
    const option = form.find((one) => one.name === name);
    const message = option ? explainOptionValue(option, value) : `The ${title} template has no such option.`;
    return message === undefined ? [] : [{ path: `source.options.${name}`, message }];
  });
  if (issues.length > 0) throw new ProblemError({ code: "invalid-request", issues: issues.slice(0, 20) });
}

const helpsAtOnce = 4;
/** The longest of Debian's takes a fifth of a second. A computer that is slow or has much to do takes many times as long. */
const usualHelpTimeoutSeconds = 20;
/** What took too long may wait for something, and is not waited for each time. */
const askAgainMilliseconds = 60_000;

/** Names of templates that may be run, in the order in which they are shown. */
function installedTemplates(folder = templatesFolder): string[] {
  const known = knownTemplates.map(({ name }) => name);
  const rank = (name: string) => (known.includes(name) ? known.indexOf(name) : known.length);
  return templatesIn(folder).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en"));
}

function templatesIn(folder: string): string[] {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || !isRootsAlone(stat)) return [];
  return readdirSync(folder).flatMap((file) => {
    const name = /^lxc-(.+)$/.exec(file)?.[1];
    if (name === undefined || !templateName.safeParse(name).success || otherSources.includes(name)) return [];
    const template = lstatSync(join(folder, file), { throwIfNoEntry: false });
    return template?.isFile() && (template.mode & 0o111) !== 0 && isRootsAlone(template) ? [name] : [];
  });
}

function isRootsAlone({ uid, mode }: Stats): boolean {
  return uid === 0 && (mode & 0o022) === 0;
}

async function describeTemplate(
  name: string,
  { folder = templatesFolder, facts, helpTimeoutSeconds = usualHelpTimeoutSeconds }: World,
): Promise<Template> {
  const known: Partial<KnownTemplate> = knownTemplates.find((one) => one.name === name) ?? {};
  const help = known.keepsHelpToItself ? [] : await readHelp(join(folder, `lxc-${name}`), helpTimeoutSeconds);
  const missingTools = (known.tools ?? []).filter((tool) => (facts?.program ?? findProgram)(tool) === undefined);
  return {
    name,
    title: known.title ?? name,
    description: known.description ?? `A template of this computer's own, ${join(folder, `lxc-${name}`)}.`,
    ...(known.needsNetwork !== undefined && { needsNetwork: known.needsNetwork }),
    ...(known.hasNoPackages && { hasNoPackages: true }),
    missingTools,
    canInstallTools: facts !== undefined && missingTools.length > 0 && canInstall(facts, missingTools),
    options: templateForm(help, known.meanings?.()),
  };
}

type Read = { state: string; help: Promise<HelpOption[]>; goodUntil: number };
const helps = new Map<string, Read>();

/** What a template's help tells, asked once for each state of its file; once more some time after it took too long. */
function readHelp(path: string, timeoutSeconds: number): Promise<HelpOption[]> {
  const { size, mtimeMs, ino } = statSync(path);
  const state = `${ino} ${size} ${mtimeMs}`;
  const before = helps.get(path);
  if (before?.state === state && performance.now() < before.goodUntil) return before.help;
  const asking = askForHelp(path, timeoutSeconds);
  const read: Read = { state, help: asking.then(({ options }) => options), goodUntil: Number.POSITIVE_INFINITY };
  helps.set(path, read);
  void asking.then(({ tookTooLong }) => {
    if (tookTooLong) read.goodUntil = performance.now() + askAgainMilliseconds;
  });
  return read.help;
}

/** Some go on for ever where nobody reads what they print: they end with us, however we end. */
const endsWithUs = ["--pdeathsig", "KILL"];
/** Nobody's rights, for good: what is run is somebody's script, and to print a help none are needed. */
const asNobody = [
  ...endsWithUs,
  ...["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"],
  "--",
];
/** Some want to be root before they say anything: in a namespace of its own nobody is, with no more rights outside, and no network. */
const asItsOwnRoot = ["unshare", "--user", "--map-root-user", "--net", "--", "setpriv", ...endsWithUs, "--"];

async function askForHelp(path: string, timeoutSeconds: number): Promise<{ options: HelpOption[]; tookTooLong: boolean }> {
  for (const launch of [[], asItsOwnRoot]) {
    const args = [...asNobody, ...launch, path, "--help"];
    try {
      // Whatever it prints, because some templates call their own help a failure.
      const { output } = await run("setpriv", args, { timeoutSeconds, allowExitCodes: "any", environment: { HOME: "/" } });
      const options = parseHelp(output);
      if (options.length > 0) return { options, tookTooLong: false };
    } catch (thrown) {
      // Then only what we know of the template is offered.
      return { options: [], tookTooLong: toProblem(thrown).code === "timed-out" };
    }
  }
  return { options: [], tookTooLong: false };
}
