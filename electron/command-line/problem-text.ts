import { type InstalledAs, toProblem } from "../../privileged-helper/contract/problems.ts";
import { neutralText } from "../backend/reports/neutral-text.ts";

/** What went wrong, and what to do, for whoever reads it in a terminal: a line or two of text. */
export function problemText(thrown: unknown): string {
  const problem = toProblem(thrown);
  switch (problem.code) {
    case "auth-dismissed":
      return "Nobody gave a password, so nothing was looked at.";
    case "auth-failed":
      return "That was not the right password, so nothing was looked at.";
    case "auth-denied":
      return "A rule of this computer does not let you look at containers. Ask its administrator, or run this as root.";
    case "no-polkit-agent":
      return "Nobody is here who could be asked for a password. Run this in a terminal, or as root.";
    case "polkit-unavailable":
      return `polkit could not be asked: ${neutralText(problem.detail)} Run this as root instead.`;
    case "helper-missing":
      return `The part of LXC Desktop that runs as root is not installed (${neutralText(problem.path)}). ${howToInstall(problem.installedAs)}`;
    case "helper-unsafe":
      return `The part of LXC Desktop that runs as root is not safe to start: ${neutralText(problem.detail)} ${howToInstall(problem.installedAs)}`;
    case "helper-lost":
      return `The part of LXC Desktop that runs as root has ended: ${neutralText(problem.detail)}`;
    case "version-mismatch":
      return `The part of LXC Desktop that runs as root is of version ${neutralText(problem.helper)}, and this is ${problem.app}. ${howToInstall(problem.installedAs)}`;
    case "not-found":
      return `There is no container ${neutralText(problem.what)}.`;
    case "invalid-request":
      return problem.issues.map(({ path, message }) => neutralText(`${path}: ${message}`)).join("\n");
    case "internal":
      return neutralText(problem.detail);
    default:
      return `It did not work: ${problem.code}.`;
  }
}

function howToInstall({ kind, helperPackage }: InstalledAs): string {
  if (kind === "checkout") return "Install it with: npm run install-helper";
  if (kind === "package") return "Install the package lxc-desktop-helper of the same version again.";
  return helperPackage === undefined
    ? "Install the package lxc-desktop-helper of the same version."
    : `Install it with: sudo apt-get install ${neutralText(helperPackage)}`;
}
