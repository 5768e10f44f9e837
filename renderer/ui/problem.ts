import type { InstalledAs, Problem, ProblemCode } from "../../privileged-helper/contract/problems.ts";
import { formatBytes, formatCommand, formatList } from "./format.ts";
import { containerPath } from "./paths.ts";
import { rightName } from "./right-text.ts";
import { explainStartCause } from "./start-cause.ts";

/** What a person can do about a problem, as a button. */
export type Remedy =
  /** Do again what failed; whoever shows the problem knows what that was. */
  | { type: "retry"; label: string }
  /** Reach a helper. */
  | { type: "connect"; label: string }
  | { type: "copy"; label: string; text: string }
  | { type: "go"; label: string; to: string }
  /** Shows what mends it, and does that. */
  | { type: "fix"; label: string; problem: Extract<Problem, { code: "start-failed" }> }
  | { type: "reload"; label: string };

export type Explanation = {
  title: string;
  body: string;
  remedies: Remedy[];
  /** For those who want to know: commands, exit codes, output. */
  details?: string;
};

const tryAgain: Remedy = { type: "retry", label: "Try again" };
const connect: Remedy = { type: "connect", label: "Try again" };
const openHost: Remedy = { type: "go", label: "Show what this computer needs", to: "/host" };

const whyTakenBack: Record<Extract<Problem, { code: "fix-taken-back" }>["reason"], string> = {
  "did-not-start": "With it the container did not start.",
  degraded: "With it services in the container failed that had not failed before.",
  "no-effect": "The container took it, and the kernel showed nothing of it.",
};

const explanations: { [C in ProblemCode]: (problem: Extract<Problem, { code: C }>) => Explanation } = {
  "auth-dismissed": ({ action }) => ({
    title: "The password was not given",
    body: `The dialog that asks for a password was closed. Without it you cannot ${rightName(action)}.`,
    remedies: [{ ...tryAgain, label: "Ask again" }],
  }),
  "auth-failed": ({ action }) => ({
    title: "The password was not accepted",
    body: `Without the right one you cannot ${rightName(action)}.`,
    remedies: [{ ...tryAgain, label: "Ask again" }],
  }),
  "auth-denied": ({ action }) => ({
    title: "You may not do this",
    body: `This computer's rules do not let you ${rightName(action)}. Its administrator can change that, with a polkit rule like the example that comes with the app (50-lxc-desktop.rules).`,
    remedies: [tryAgain],
  }),
  "no-polkit-agent": ({ action }) => ({
    title: "Nothing here can ask for your password",
    body: `To ${rightName(action)} you need a password, and no polkit agent runs in this session to ask for it. Desktops start one by themselves; elsewhere start one, or have your administrator grant the right by a rule.`,
    remedies: [tryAgain, { type: "copy", label: "Copy a command that starts an agent", text: "pkttyagent --process $$" }],
  }),
  "polkit-unavailable": ({ detail }) => ({
    title: "polkit does not answer",
    body: "LXC Desktop asks polkit for the right to manage containers. It is not installed, it does not run, or it has got stuck.",
    remedies: [connect, { type: "copy", label: "Copy the command that starts it anew", text: "sudo systemctl restart polkit" }],
    details: detail,
  }),
  "helper-missing": ({ path, installedAs }) => ({
    title: "The helper is not installed",
    body: `LXC needs root, and this app does not run as root: a small helper does that part. ${howToInstall(installedAs)}`,
    remedies: [...installRemedies(installedAs), connect],
    details: path,
  }),
  "helper-unsafe": ({ detail, installedAs }) => ({
    title: "The helper refused to start",
    body:
      "Something on the way to the helper can be changed by others than root, so it would not be safe to run it as root. " +
      howToInstall(installedAs),
    remedies: [...installRemedies(installedAs), connect],
    details: detail,
  }),
  "helper-lost": ({ detail }) => ({
    title: "The helper has ended",
    body: "The part of LXC Desktop that runs as root has ended. Your containers go on running.",
    remedies: [{ ...connect, label: "Start it again" }],
    details: detail,
  }),
  "version-mismatch": ({ app, helper, installedAs }) => ({
    title: "The helper is of another version",
    body: `This app is version ${app}, the installed helper is version ${helper}. They have to be the same. ${
      installedAs.kind === "package"
        ? "If LXC Desktop was updated while this window was open, close the window and open it again."
        : howToInstall(installedAs)
    }`,
    remedies: [...installRemedies(installedAs), connect],
  }),
  "lxc-missing": ({ tool }) => ({
    title: "LXC is not installed",
    body: `The program ${tool} is missing. Install your distribution's LXC packages, then try again.`,
    remedies: [
      openHost,
      tryAgain,
      { type: "copy", label: "Copy the command for Debian and Ubuntu", text: "sudo apt-get install lxc lxc-templates uidmap" },
      { type: "copy", label: "Copy the command for Fedora", text: "sudo dnf install lxc lxc-templates lxc-extra" },
    ],
  }),
  "tool-missing": ({ tool, neededFor }) => ({
    title: `The program ${tool} is missing`,
    body: `It is needed for ${neededFor}. Install it with your distribution's package manager.`,
    remedies: [openHost, { type: "copy", label: "Copy the command for Debian and Ubuntu", text: `sudo apt-get install ${tool}` }],
  }),
  locked: () => ({
    title: "Locked",
    body: "The right to manage containers was given back. Containers go on running.",
    remedies: [{ ...connect, label: "Unlock" }],
  }),
  "invalid-request": ({ issues }) => ({
    title: "That cannot be asked for",
    body:
      issues.length === 0
        ? "The request was not understood."
        : `It was refused: ${issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; ")}.`,
    remedies: [],
  }),
  "not-found": ({ what }) => ({ title: `There is no ${what}`, body: "It may have been removed in the meantime.", remedies: [] }),
  "already-exists": ({ name }) => ({ title: `${name} exists already`, body: "Choose another name.", remedies: [] }),
  "wrong-state": ({ name, state, needed }) => ({ title: `${name} is ${state}`, body: needed, remedies: [] }),
  "has-clones": ({ name, clones }) => ({
    title: `${name} is needed by ${formatList(clones)}`,
    body: `${clones.length === 1 ? "This container is" : "These containers are"} cloned from ${name} and keep their files in it. Destroy ${clones.length === 1 ? "it" : "them"} first.`,
    remedies: [],
  }),
  "fix-taken-back": ({ name, reason, runsAgain, detail }) => ({
    title: `The fix of ${name} was taken back`,
    body: `${whyTakenBack[reason]} ${runsAgain ? "It is again as it was before." : "Its configuration is again as it was, but it does not start any more: look at its log."}`,
    remedies: [{ type: "go", label: "Show log", to: containerPath(name, "logs") }],
    details: detail,
  }),
  "not-supported": ({ what }) => ({ title: "That does not work here", body: what, remedies: [] }),
  "no-space": ({ path, availableBytes, neededBytes }) => ({
    title: "The disk is full",
    body: `${path} has ${formatBytes(availableBytes)} left${neededBytes > 0 ? `, and ${formatBytes(neededBytes)} are needed` : ""}. Remove what you do not need, and try again.`,
    remedies: [],
  }),
  busy: ({ name, operation }) => ({
    title: `${name} is busy`,
    body: `Something else works on it now (${operation}). Wait until that has ended.`,
    remedies: [{ type: "go", label: "Show the tasks", to: "/tasks" }],
  }),
  "too-many-requests": () => ({
    title: "Too much at once",
    body: "Too many operations run at the same time. Wait a moment.",
    remedies: [],
  }),
  "command-failed": ({ summary, argv, exitCode, signal, output }) => ({
    title: "It did not work",
    body: summary,
    remedies: [],
    details: commandDetails({ argv, exitCode, signal, output }),
  }),
  "start-failed": (problem) => ({
    title: `${problem.name} did not start`,
    body: asSentence(explainStartCause(problem.cause)),
    remedies: [
      ...(problem.fix.kind === "none" ? [] : [{ type: "fix", label: "Fix and start", problem } as const]),
      tryAgain,
      { type: "go", label: "Show log", to: containerPath(problem.name, "logs") },
    ],
    details: commandDetails(problem),
  }),
  "first-start-failed": ({ name: container, step, reason, command }) => ({
    title: `${container} was made, but ${unfinishedSteps[step]}`,
    body: `${firstStartFailures[reason](command?.exitCode)} The container is kept${reason === "ended" ? "." : " and runs on."}`,
    remedies: [tryAgain, { type: "go", label: "Open terminal", to: containerPath(container, "terminal") }],
    details: command && commandDetails(command),
  }),
  "download-failed": ({ url, reason, detail }) => ({
    ...downloadFailures[reason],
    remedies: [tryAgain],
    details: `${url}\n${detail}`,
  }),
  "archive-refused": ({ entry, reason }) => ({
    title: "The archive was refused",
    body: `${archiveRefusals[reason]} Nothing of it was kept.`,
    remedies: [],
    details: entry === "" ? undefined : entry,
  }),
  "image-in-use": ({ image, containers }) => ({
    title: `${image} is needed by ${formatList(containers)}`,
    body: `${containers.length === 1 ? "This container keeps" : "These containers keep"} most files in the image. Destroy ${containers.length === 1 ? "it" : "them"} first.`,
    remedies: [],
  }),
  "file-unreadable": ({ name }) => ({
    title: "The file could not be read",
    body: `${name} was moved, changed or taken away while it was read.`,
    remedies: [{ ...tryAgain, label: "Choose the file again" }],
  }),
  "timed-out": ({ what, seconds }) => ({ title: "It took too long", body: `${what} did not end within ${seconds} seconds.`, remedies: [] }),
  cancelled: () => ({ title: "Cancelled", body: "It was stopped, and what was done of it was undone.", remedies: [] }),
  interrupted: ({ hadBegun }) =>
    hadBegun
      ? {
          title: "It was cut off",
          body: "LXC Desktop was ended while this ran. What was half made is removed when LXC Desktop starts again; what was made before is kept.",
          remedies: [],
        }
      : { title: "It was not begun", body: "LXC Desktop was ended before this had its turn. Nothing of it was done.", remedies: [] },
  internal: ({ detail }) => ({
    title: "Something went wrong inside LXC Desktop",
    body: "This is a mistake of ours. What you asked for may not have been done.",
    remedies: [],
    details: detail,
  }),
};

type FirstStartFailure = Extract<Problem, { code: "first-start-failed" }>;
const unfinishedSteps: Record<FirstStartFailure["step"], string> = {
  packages: "its packages were not installed",
  user: "its user was not made",
  command: "its command did not work",
};
const firstStartFailures: Record<FirstStartFailure["reason"], (exitCode?: number) => string> = {
  "command-failed": (exitCode) => `A command in it failed${exitCode === undefined ? "" : ` with exit code ${exitCode}`}.`,
  "timed-out": () => "A command in it took too long and was ended.",
  ended: () => "The container ended meanwhile.",
  "no-shell": () => "It has no shell, so nothing can be done in it.",
  "no-network": () => "It has no network that leads anywhere: an address, a route or a name server is missing.",
  "no-package-manager": () => "It has none of the package managers apt, dnf, apk and pacman.",
  "no-user-program": () => "It has neither useradd nor adduser, so there can be no more users in it.",
  "system-user": () => "Its system has a user of that name for itself. Choose another name.",
  "no-way-to-root": () => "It has neither sudo nor doas. Have one of them installed as a package, and try again.",
};

type DownloadFailure = Extract<Problem, { code: "download-failed" }>["reason"];
const downloadFailures: Record<DownloadFailure, { title: string; body: string }> = {
  unreachable: {
    title: "The image server cannot be reached",
    body: "This computer may have no network now, or the server does not run, or its address in Settings is wrong.",
  },
  gone: {
    title: "The server does not have this any more",
    body: "Servers replace images by newer ones. Refresh the list of images, and take what it offers now.",
  },
  refused: { title: "The image server refused", body: "It answered with something else than what was asked for." },
  stalled: {
    title: "The image server has stopped sending",
    body: "Nothing came for half a minute. What is here already stays, and downloading goes on from there.",
  },
  "broken-off": {
    title: "The connection broke off",
    body: "It broke off several times. What is here already stays, and downloading goes on from there.",
  },
  "too-large": { title: "The image server sends too much", body: "It sent more than it had announced, or more than an image can have." },
  "unsafe-redirect": {
    title: "The image server leads elsewhere",
    body: "It redirects to an address that is not protected by https, so nothing was downloaded from there.",
  },
  "not-understood": {
    title: "The image server's answer is not understood",
    body: "It may not be a server of images: check its address in Settings.",
  },
  "not-listed": {
    title: "The image cannot be checked",
    body: "The server has no checksum for one of its files, so it is not used.",
  },
  "wrong-checksum": {
    title: "The image is damaged",
    body: "What came does not match the server's checksum, so it was deleted. Where that happens again, the server or the way to it is at fault.",
  },
  "bad-signature": {
    title: "The image's signature is wrong",
    body: "It was not made by the key that it names, or that key is not valid any more. Nothing was downloaded.",
  },
};

type ArchiveRefusal = Extract<Problem, { code: "archive-refused" }>["reason"];
const archiveRefusals: Record<ArchiveRefusal, string> = {
  "wrong-checksum": "It is not what it should be: its checksum is another one.",
  "not-an-archive": "It is damaged, or it is no tar archive (plain, or compressed by gzip, xz or zstd).",
  "no-root-file-system": "It holds no root file system: there is no folder in it.",
  "no-image": "It holds no image of Docker or OCI; a root file system is chosen as the source Archive.",
  "absolute-name": "A file in it has an absolute name.",
  "name-climbs-out": "A file in it has a name that leads out of the archive.",
  "bad-name": "A file in it has a name that cannot be used.",
  "through-link": "A file in it would be written through a symbolic link.",
  "named-twice": "It holds two things of one name, of which only one can be there.",
  "hard-link-to-nothing": "A hard link in it leads to a file that is not in the archive.",
  "link-climbs-out": "A symbolic link in it leads out of the archive.",
  device: "It holds a device, which an unprivileged container cannot have.",
  "unknown-type": "It holds something that is neither a file, a folder nor a link.",
  "unknown-owner": "A file in it belongs to an id that containers do not have.",
  "too-many-entries": "It holds too many files.",
};

/** Says what went wrong, for a person, and what to do about it. */
export function explainProblem(problem: Problem): Explanation {
  return (explanations[problem.code] as (problem: Problem) => Explanation)(problem);
}

function commandDetails({
  argv,
  exitCode,
  signal,
  output,
}: {
  argv: string[];
  exitCode?: number;
  signal?: string;
  output: string;
}): string {
  const end = signal ? `Ended by ${signal}.` : `Exit code ${exitCode ?? "unknown"}.`;
  return [`$ ${formatCommand(argv)}`, output.trimEnd(), end].filter(Boolean).join("\n");
}

/** What is quoted at the end may end in anything. */
function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A helper comes the same way as the app. */
function howToInstall({ kind, helperPackage }: InstalledAs): string {
  if (kind === "checkout") return "Install it with the command below, in the app's folder; then try again.";
  if (kind === "package") return "Install the package of LXC Desktop again to get it.";
  return helperPackage === undefined
    ? "An AppImage cannot hold it: install the package lxc-desktop-helper of the same version; then try again."
    : "An AppImage cannot hold it, but carries its package, lxc-desktop-helper. On Debian and Ubuntu, install it with the command below; elsewhere use the package of LXC Desktop for your distribution. Then try again.";
}

function installRemedies({ kind, helperPackage }: InstalledAs): Remedy[] {
  const label = "Copy the command";
  if (kind === "checkout") return [{ type: "copy", label, text: "npm run install-helper" }];
  if (helperPackage === undefined) return [];
  // Root cannot read what is in an AppImage, so its user copies it.
  const name = helperPackage.slice(helperPackage.lastIndexOf("/") + 1);
  return [{ type: "copy", label, text: `${formatCommand(["cp", helperPackage])} ~/ && sudo apt-get install ~/${name}` }];
}
