import type { PackageManager, PendingUpdate } from "../contract/security.ts";

/** How a package manager is asked what it would update, and told to; each command is done inside, and can be done twice. */
type Manager = {
  /** Where it lies; the first that is there says that a container has it. */
  paths: readonly string[];
  /** Has it fetch the newest lists. */
  refresh?: readonly string[];
  /** Print what is to be updated, and change nothing. */
  list: readonly { command: readonly string[]; exitCodes: readonly number[] }[];
  install: readonly (readonly string[])[];
  environment?: Readonly<Record<string, string>>;
  /** @param outputs What each command of `list` has printed: a container's, which may say anything. */
  parse(outputs: readonly string[]): PendingUpdate[];
};

/** As for packages of a first start: a list that cannot be fetched is a failure, and what a system does by itself may hold the lock for a while. */
const aptOptions = ["APT::Update::Error-Mode=any", "Acquire::Retries=3", "DPkg::Lock::Timeout=120", "Dpkg::Use-Pty=0"].flatMap((option) => [
  "-o",
  option,
]);
/** Nobody is there to be asked: a configuration file that was changed stays, others become new ones (dpkg(1)). */
const dpkgOptions = ["Dpkg::Options::=--force-confdef", "Dpkg::Options::=--force-confold"].flatMap((option) => ["-o", option]);

/**
 * With a database of its own, so that nothing is half way updated by having been looked at (checkupdates(8) of pacman-contrib does the
 * same, and is not everywhere). `pacman -Qu` exits with 1 where nothing is to be updated.
 */
const pacmanList = [
  "set -e",
  "folder=$(mktemp -d)",
  "trap 'rm -rf \"$folder\"' EXIT",
  'ln -s /var/lib/pacman/local "$folder/local"',
  'pacman -Sy --dbpath "$folder" --logfile /dev/null --disable-sandbox >/dev/null 2>&1 || pacman -Sy --dbpath "$folder" --logfile /dev/null >/dev/null',
  'pacman -Qu --dbpath "$folder" || [ $? = 1 ]',
].join("\n");

export const packageManagers: Record<PackageManager, Manager> = {
  "apt-get": {
    paths: ["/usr/bin/apt-get"],
    refresh: ["apt-get", "-q", ...aptOptions, "update"],
    // Also what its owner or apt itself keeps back: that is not installed either.
    list: [{ command: ["apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", "--ignore-hold", "dist-upgrade"], exitCodes: [0] }],
    install: [
      // What was cut off before is finished first.
      ["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"],
      ["apt-get", "-q", "-y", ...aptOptions, ...dpkgOptions, "--with-new-pkgs", "upgrade"],
    ],
    environment: { DEBIAN_FRONTEND: "noninteractive" },
    parse: ([output = ""]) => parseAptSimulation(output),
  },
  dnf: {
    paths: ["/usr/bin/dnf"],
    // Both fetch them themselves. 100: there are some (dnf(8)).
    list: [
      { command: ["dnf", "-q", "--refresh", "check-update"], exitCodes: [0, 100] },
      { command: ["dnf", "-q", "updateinfo", "list", "--security"], exitCodes: [0] },
    ],
    install: [["dnf", "-y", "upgrade"]],
    parse: ([updates = "", advisories = ""]) => parseDnf(updates, advisories),
  },
  apk: {
    paths: ["/sbin/apk", "/usr/bin/apk", "/usr/sbin/apk", "/bin/apk"],
    refresh: ["apk", "update"],
    list: [{ command: ["apk", "upgrade", "--simulate"], exitCodes: [0] }],
    install: [["apk", "upgrade"]],
    parse: ([output = ""]) => parseApkSimulation(output),
  },
  pacman: {
    paths: ["/usr/bin/pacman"],
    list: [{ command: ["/bin/sh", "-c", pacmanList], exitCodes: [0] }],
    install: [["pacman", "-Syu", "--noconfirm"]],
    parse: ([output = ""]) => parsePacman(output),
  },
};

/** More are not kept. */
export const maxPendingUpdates = 2000;

/**
 * `apt-get -s dist-upgrade` (apt-get(8)): `Inst NAME [OLD] (NEW ORIGIN:RELEASE/ARCHIVE, ... [ARCHITECTURE])`, without OLD for a package that
 * only comes along. Security updates come from an archive of their own: `Debian-Security:12/oldstable-security`, `Ubuntu:24.04/noble-security`.
 */
export function parseAptSimulation(output: string): PendingUpdate[] {
  const form = /^Inst (\S{1,200}) \[([^\]\s]{1,200})\] \((\S{1,200}) ([^)]{0,1000})\)/;
  return rows(output, form, ([, name = "", from = "", to = "", origins = ""]) => {
    return { name, from, to, isSecurity: /(^|[\s,:/])[^\s,]*-security\b/i.test(origins) };
  });
}

/**
 * `dnf check-update`: `NAME.ARCHITECTURE VERSION REPOSITORY`, a long name with the rest in a line of its own, until "Obsoleting Packages".
 * `dnf updateinfo list --security` of dnf 4: `ADVISORY SEVERITY/Sec. NAME-VERSION-RELEASE.ARCHITECTURE`; of dnf 5: a table with the column
 * `security`. Epochs stand before the version in the first and are left out of the second.
 */
export function parseDnf(updates: string, advisories: string): PendingUpdate[] {
  const security = new Set(
    advisories
      .split("\n")
      .filter((line) => /\/Sec\.\s|\ssecurity\s/.test(line))
      .flatMap((line) =>
        line
          .trim()
          .split(/\s+/)
          .filter((word) => /-[^-]+-[^-]+\.[a-z0-9_]+$/.test(word)),
      ),
  );
  const [upgrades = ""] = updates.split(/^Obsoleting Packages/m);
  const joined = upgrades.replace(/^(\S+)\n\s+/gm, "$1 ");
  return rows(joined, /^(\S{1,200})\.([a-z0-9_]{1,20})\s+(\S{1,200})\s+\S+\s*$/, ([, name = "", architecture = "", to = ""]) => ({
    name,
    to,
    isSecurity: security.has(`${name}-${to.replace(/^\d+:/, "")}.${architecture}`),
  }));
}

/** `apk upgrade --simulate`: `(1/4) Upgrading NAME (OLD -> NEW)`. Alpine does not say which are for security, so each counts as that. */
export function parseApkSimulation(output: string): PendingUpdate[] {
  return rows(output, /^\(\d+\/\d+\) Upgrading (\S{1,200}) \((\S{1,200}) -> (\S{1,200})\)/, ([, name = "", from = "", to = ""]) => ({
    name,
    from,
    to,
    isSecurity: true,
  }));
}

/** `pacman -Qu`: `NAME OLD -> NEW`. Arch does not say which are for security, so each counts as that, but for those that its owner ignores. */
export function parsePacman(output: string): PendingUpdate[] {
  return rows(output, /^(\S{1,200}) (\S{1,200}) -> (\S{1,200})( \[ignored\])?\s*$/, ([, name = "", from = "", to = "", ignored]) => ({
    name,
    from,
    to,
    isSecurity: ignored === undefined,
  }));
}

/** Lines that are of a form, each package once. A terminal's ends of lines are none of it. */
function rows(output: string, form: RegExp, read: (match: RegExpExecArray) => PendingUpdate): PendingUpdate[] {
  const found = new Map<string, PendingUpdate>();
  for (const line of output.replaceAll("\r", "").split("\n")) {
    if (found.size >= maxPendingUpdates) break;
    const match = form.exec(line);
    if (!match) continue;
    const update = read(match);
    const isPlain = [update.name, update.from ?? "", update.to].every((text) => /^[\x21-\x7e]*$/.test(text));
    if (isPlain && !found.has(update.name)) found.set(update.name, update);
  }
  return [...found.values()];
}
