import type { CheckContext, CheckResult, MakeCheck } from "./host-checks.ts";
import { areKnown } from "./host-packages.ts";
import { installFix } from "./host-system.ts";
import { knownTemplates } from "./known-templates.ts";
import { templatesFolder } from "./templates.ts";

/** The checks of programs around LXC. */
export const programChecks = { polkit: checkPolkit, agent: checkAgent, templates: checkTemplates, images: checkImages } satisfies Record<
  string,
  MakeCheck
>;

const policy = "/usr/share/polkit-1/actions/org.lxcdesktop.policy";
const polkitServices = ["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/lib/policykit-1/polkitd"];
const busSocket = "/run/dbus/system_bus_socket";

function checkPolkit({ facts }: CheckContext): CheckResult {
  const missing = ["pkexec", "pkcheck"].filter((program) => facts.program(program) === undefined);
  const service = polkitServices.find(facts.exists);
  const hasBus = facts.exists(busSocket);
  const hasPolicy = facts.exists(policy);
  const common = {
    title: "polkit",
    explanation:
      "LXC needs root. polkit asks for your password and decides, by this computer's rules, who may use LXC Desktop and how far.",
    evidence: [
      ...["pkexec", "pkcheck"].map((program) => `${program}: ${facts.program(program) ?? "not installed"}`),
      `polkitd: ${service ?? "not installed"}`,
      `${busSocket}: ${hasBus ? "there" : "not there"}`,
      `${policy}: ${hasPolicy ? "there" : "not there"}`,
    ],
  };
  if (missing.length > 0 || service === undefined) {
    return {
      ...common,
      status: "warning",
      summary: "polkit is not complete: only root can use LXC Desktop here.",
      fix: installFix(facts, ["pkexec"], "Installs polkit."),
    };
  }
  if (!hasBus)
    return { ...common, status: "warning", summary: "The system's message bus (D-Bus) does not run, so polkit cannot be asked." };
  if (!hasPolicy) {
    return {
      ...common,
      status: "warning",
      summary: "polkit is there, but does not know LXC Desktop's rights: its helper is not installed, and only root can use it.",
    };
  }
  return { ...common, status: "ok", summary: "polkit is there and knows LXC Desktop's rights." };
}

/** Programs that bring an agent, as the kernel cuts their names to 15 characters. */
const agents: Record<string, string> = {
  "gnome-shell": "GNOME",
  cinnamon: "Cinnamon",
  "polkit-gnome-au": "polkit-gnome",
  "polkit-kde-auth": "KDE Plasma",
  "polkit-mate-aut": "MATE",
  lxpolkit: "LXDE",
  "lxqt-policykit-": "LXQt",
  "xfce-polkit": "Xfce",
  "polkit-dumb-age": "polkit-dumb-agent",
  hyprpolkitagent: "Hyprland",
  "cosmic-osd": "COSMIC",
  "budgie-polkit-d": "Budgie",
  pkttyagent: "pkttyagent",
};

function checkAgent({ facts }: CheckContext): CheckResult {
  const common = {
    title: "Password dialog",
    explanation:
      "What asks for your password is a polkit agent, a part of your desktop. polkit does not say whether one runs until it needs one, so this goes by the programs that are known to be agents.",
  };
  if (facts.isRootSession) {
    return {
      ...common,
      status: "ok",
      summary: "LXC Desktop runs as root here: nobody has to be asked.",
      evidence: ["The app was started by root"],
    };
  }
  const found = facts.runningPrograms().find((name) => Object.hasOwn(agents, name));
  if (found !== undefined) {
    return { ...common, status: "ok", summary: `${agents[found]} runs, which brings a password dialog.`, evidence: [`Running: ${found}`] };
  }
  return {
    ...common,
    status: "warning",
    summary: "No known password dialog runs. Another one may; it shows when a password is needed.",
    evidence: ["None of the known agents is among the running programs"],
  };
}

function checkTemplates({ facts }: CheckContext): CheckResult {
  const installed = knownTemplates.filter(({ name }) => facts.exists(`${templatesFolder}/lxc-${name}`));
  const common = {
    title: "Templates",
    explanation:
      "Templates are LXC's scripts that make a container's files. Each calls programs that have to be installed on this computer.",
  };
  if (installed.length === 0) {
    return {
      ...common,
      status: "problem",
      summary: "None of LXC's templates is installed, so there is nothing to make a container from.",
      evidence: [`${templatesFolder}: none that LXC Desktop knows`],
      fix: installFix(facts, ["templates", "busybox"], "Installs LXC's templates, and BusyBox for the smallest one."),
    };
  }
  const found = installed.map(({ title, tools }) => ({ title, missing: tools.filter((tool) => facts.program(tool) === undefined) }));
  const evidence = found.map(({ title, missing }) => `${title}: ${missing.length === 0 ? "ready" : `needs ${missing.join(", ")}`}`);
  // Many templates are for computers of their own distribution: what those lack is no lack of this one.
  const wanted = found.filter((one) => areKnown(one.missing));
  const missing = [...new Set(wanted.flatMap((one) => one.missing))];
  const lacking = wanted.filter((one) => one.missing.length > 0);
  const ready = wanted.length - lacking.length;
  if (missing.length === 0 && ready > 0) {
    return { ...common, status: "ok", summary: ready === 1 ? "One template is ready." : `${ready} templates are ready.`, evidence };
  }
  const fix = installFix(facts, missing, `Installs ${missing.join(", ")} with your distribution's package manager.`);
  if (ready === 0) {
    const all = [...new Set(found.flatMap((one) => one.missing))];
    return { ...common, status: "problem", summary: `No template is ready: ${all.join(", ")} missing.`, evidence, fix };
  }
  const verb = lacking.length === 1 ? "lacks" : "lack";
  return {
    ...common,
    status: "warning",
    summary: `${lacking.map(({ title }) => title).join(", ")} ${verb} programs: ${missing.join(", ")}.`,
    evidence,
    fix,
  };
}

/** What unpacks images, what gets and starts those of OCI, and what LXC's template for ready-made ones calls. */
const imageSources: { title: string; template?: string; tools: string[] }[] = [
  { title: "Images and archives", tools: ["tar", "gzip", "xz", "zstd"] },
  { title: "Docker and OCI images", tools: ["skopeo", "tini-static", "busybox"] },
  { title: "LXC's image server (lxc-download)", template: "lxc-download", tools: ["wget", "gpg"] },
];

function checkImages({ facts }: CheckContext): CheckResult {
  const found = imageSources.map(({ title, template, tools }) => ({
    title,
    missing:
      template === undefined || facts.exists(`${templatesFolder}/${template}`)
        ? tools.filter((tool) => facts.program(tool) === undefined)
        : [template],
  }));
  const common = {
    title: "Image sources",
    explanation:
      "Containers can also be made from ready-made images: those of image servers, archives of root file systems, and those of Docker registries (OCI). Templates work without.",
    evidence: found.map(({ title, missing }) => `${title}: ${missing.length === 0 ? "ready" : `needs ${missing.join(", ")}`}`),
  };
  const missing = [...new Set(found.flatMap((one) => one.missing))];
  if (missing.length === 0) return { ...common, status: "ok", summary: "Everything that ready-made images need is installed." };
  const programs = missing.filter((name) => !name.startsWith("lxc-"));
  return {
    ...common,
    status: "warning",
    summary: `Ready-made images need programs that are missing: ${missing.join(", ")}.`,
    fix: installFix(facts, programs.length < missing.length ? [...programs, "templates"] : programs, `Installs ${missing.join(", ")}.`),
  };
}
