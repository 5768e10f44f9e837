import { rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Template } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { createArguments, startConfigPath, type TemplateOptions, templateArguments } from "../contract/template-options.ts";
import { hardenedConfig, hardenedProfile } from "./audit/hardened.ts";
import { writeProfileFile } from "./audit/profile-file.ts";
import { keepAddress } from "./busybox-network.ts";
import { editConfig, lastValueOf, parseConfig, readConfigurationText, valuesOf, writeConfig } from "./config.ts";
import { checkAppArmor, letRootThrough, shareConfig, startConfig, uselessCapabilities, usernsInclude } from "./container-config.ts";
import { takenIdentity } from "./container-network.ts";
import type { ContainerOptions } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { claimFolder } from "./destroy.ts";
import { readCapabilities, restoreCapabilities } from "./file-capabilities.ts";
import { allocateIds, type IdRange, idmapEntries } from "./idmap.ts";
import { ownProgram } from "./own-program.ts";
import { run } from "./run.ts";
import { checkOptions, findTemplate } from "./templates.ts";

export type TemplateParams = ContainerOptions & { template: string; options: TemplateOptions; unprivileged: boolean };

/** Debian on a slow mirror takes its time. */
const createTimeoutSeconds = 3600;
const shiftTimeoutSeconds = 1800;

/**
 * Makes a container from one of LXC's templates. An unprivileged one is made the same way and then given to ids of its own:
 * templates need real root (device nodes, mounts), which an unprivileged root is not.
 * @throws ProblemError `not-found`, `invalid-request`, `tool-missing`, `command-failed`, `cancelled`, ...
 */
export async function createFromTemplate(context: OperationContext, params: TemplateParams): Promise<void> {
  const { lxcPath, task } = context;
  const { name, template, options, unprivileged } = params;
  const form = await checkTemplate(params);
  checkAppArmor();
  await claimFolder(context, params);
  const ids = unprivileged ? await allocateIds(context) : undefined;
  try {
    await writeStartConfig(context, params);
    const forTemplate = templateArguments(form, options, "plain");
    const shown = templateArguments(form, options, "concealed");
    task.step(`Running the ${template} template`);
    // LXC gives each template mounts of its own, so none is left when it is killed.
    await run("lxc-create", createArguments({ lxcPath, name, template }, forTemplate), {
      task,
      timeoutSeconds: createTimeoutSeconds,
      shownArgs: createArguments({ lxcPath, name, template }, shown),
    });
    rmSync(startConfigPath(lxcPath, name));
    concealInConfig(lxcPath, name, forTemplate, shown);
    if (template === "busybox") keepReservedAddress(lxcPath, name);
    if (ids) await makeUnprivileged(context, name, template, ids.range);
    if (params.hardened) writeHardened(lxcPath, params);
  } finally {
    ids?.release();
  }
}

/** @returns What the template may be asked for, as it says itself now. */
export async function checkTemplate({
  template: name,
  options,
}: Pick<TemplateParams, "template" | "options">): Promise<Template["options"]> {
  const template = await findTemplate(name);
  checkOptions(template, options);
  const [missing] = template.missingTools;
  if (missing !== undefined)
    throw new ProblemError({ code: "tool-missing", tool: missing, neededFor: `creating a container with the ${template.title} template` });
  return template.options;
}

/** What lxc-create starts from. It lies in the container's folder, so that it goes with it. */
async function writeStartConfig(context: OperationContext, params: TemplateParams): Promise<void> {
  const text = await startConfig(context.lxcPath, takenIdentity(context, params.name), params);
  writeFileSync(startConfigPath(context.lxcPath, params.name), text, { flag: "wx", mode: 0o600 });
}

/** LXC writes what its template was called with into the configuration, as a comment; whoever may look at that is not to see a password. */
function concealInConfig(lxcPath: string, name: string, given: readonly string[], shown: readonly string[]) {
  const secrets = given.flatMap((argument, index) => (argument === shown[index] ? [] : [{ argument, concealed: shown[index] ?? "" }]));
  if (secrets.length === 0) return;
  const { path, text } = readConfigurationText(lxcPath, name);
  const lines = text.split("\n").map((line) => {
    if (!line.startsWith("# Parameters passed to the template:")) return line;
    return secrets.reduce((before, { argument, concealed }) => before.replaceAll(argument, concealed), line);
  });
  writeConfig(path, lines.join("\n"), "just-made");
}

function writeHardened(lxcPath: string, { name, resources }: TemplateParams) {
  writeProfileFile(hardenedProfile(lxcPath));
  const { path, text } = readConfigurationText(lxcPath, name);
  writeConfig(path, hardenedConfig({ lxcPath, isApplication: false, resources }, text), "just-made");
}

function keepReservedAddress(lxcPath: string, name: string) {
  const entries = parseConfig(readConfigurationText(lxcPath, name).text);
  if (lastValueOf(entries, "lxc.net.0.ipv4.address") !== undefined) keepAddress({ rootfs: join(lxcPath, name, "rootfs") });
}

async function makeUnprivileged(context: OperationContext, name: string, template: string, range: IdRange): Promise<void> {
  const { lxcPath, task } = context;
  const folder = join(lxcPath, name);
  const { path, text } = readConfigurationText(lxcPath, name);
  const rootfs = (lastValueOf(parseConfig(text), "lxc.rootfs.path") ?? "").replace(/^dir:/, "");
  if (rootfs !== join(folder, "rootfs")) {
    throw new ProblemError({
      code: "not-supported",
      what: `The template made a root file system that cannot be given to other ids: ${rootfs}`,
    });
  }
  task.step("Giving its files to ids of its own");
  const capabilities = await readCapabilities(task, rootfs);
  await runShiftOwners(context, rootfs, range);
  await restoreCapabilities(task, capabilities, range);
  writeConfig(path, withOwnIds(text, template, range), "just-made");
  letRootThrough(context, folder);
}

/** The configuration of a container that a template has made, once its files have been given to other ids. */
export function withOwnIds(text: string, template: string, range: IdRange): string {
  const included = valuesOf(parseConfig(text), "lxc.include").map((file) => basename(file));
  // It may come twice, the second time changes nothing.
  const userns = usernsInclude(template);
  return editConfig(text, {
    add: [
      ...(included.includes(userns) ? [] : [["lxc.include", join(shareConfig, userns)] as const]),
      // After it, because it takes back what was dropped before.
      ["lxc.cap.drop", uselessCapabilities.join(" ")],
      ...idmapEntries(range),
    ],
  });
}

/** The arguments of node for the program that gives a container's files to other ids. */
export function shiftOwnersArguments(rootfs: string, { first, count }: IdRange): string[] {
  return [...ownProgram("shift-owners"), rootfs, String(first), String(count)];
}

async function runShiftOwners({ task }: OperationContext, rootfs: string, range: IdRange): Promise<void> {
  const args = shiftOwnersArguments(rootfs, range);
  const { exitCode, output } = await run("node", args, { task, timeoutSeconds: shiftTimeoutSeconds, allowExitCodes: [0, 3] });
  if (exitCode === 3) throw new ProblemError({ code: "not-supported", what: output.trim() });
}
