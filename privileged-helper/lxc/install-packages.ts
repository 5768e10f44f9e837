import type { Inside } from "./run-inside.ts";

type PackageManager = {
  commands(names: readonly string[]): string[][];
  environment?: Readonly<Record<string, string>>;
};

/**
 * apt-get(8), apt.conf(5): a list that cannot be fetched is a failure; what a system does by itself at its first start may hold the lock
 * for a while; and a terminal of its own would keep dpkg from ending with it.
 */
const aptOptions = ["APT::Update::Error-Mode=any", "Acquire::Retries=3", "DPkg::Lock::Timeout=120", "Dpkg::Use-Pty=0"].flatMap((option) => [
  "-o",
  option,
]);

const managers = {
  "apt-get": {
    commands: (names) => [
      ["apt-get", "-q", ...aptOptions, "update"],
      ["apt-get", "-q", "-y", ...aptOptions, "install", ...names],
    ],
    environment: { DEBIAN_FRONTEND: "noninteractive" },
  },
  dnf: { commands: (names) => [["dnf", "-y", "install", ...names]] },
  apk: { commands: (names) => [["apk", "--no-cache", "add", ...names]] },
  // Arch supports no new package beside old ones.
  pacman: { commands: (names) => [["pacman", "-Syu", "--noconfirm", "--needed", ...names]] },
} satisfies Record<string, PackageManager>;

/**
 * Installs packages by the package manager that is found.
 * @param whenFound Comes before it is run.
 * @throws ProblemError `first-start-failed`, `cancelled`.
 */
export async function installPackages(inside: Inside, names: readonly string[], whenFound: () => Promise<void>): Promise<void> {
  const found = await inside.find(Object.keys(managers) as (keyof typeof managers)[]);
  const [name] = found;
  if (name === undefined) throw inside.fail("no-package-manager");
  await whenFound();
  const { commands, environment }: PackageManager = managers[name];
  for (const command of commands(names)) await inside.run(command, environment);
}
