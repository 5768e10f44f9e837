import { existsSync } from "node:fs";
import { join } from "node:path";
import { readProcFile } from "./proc.ts";

const tables = "/usr/share/distro-info";
const debootstrapScripts = "/usr/share/debootstrap/scripts";

/**
 * Code names of a distribution's releases that get updates today, the newest first, as far as debootstrap here knows them; none where
 * the package distro-info-data is not installed. Its tables: version,codename,series,created,release,eol,eol-lts,...
 */
export function supportedReleases(distribution: "debian" | "ubuntu", today = new Date(), root = "/"): string[] {
  const text = readProcFile(join(root, tables, `${distribution}.csv`)) ?? "";
  const day = today.toISOString().slice(0, 10);
  return (
    text
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, , series = "", created = "", release = "", ...ends] = line.split(",");
        // The two ends that everybody has updates until: Debian's own and LTS, Ubuntu's for desktops and for servers.
        const endOfLife = ends.slice(0, 2).sort().at(-1) ?? "";
        const isSupported = created !== "" && created <= day && (endOfLife === "" || endOfLife >= day);
        if (!isSupported || !/^[a-z]+$/.test(series) || !existsSync(join(root, debootstrapScripts, series))) return [];
        return [{ series, release }];
      })
      // Those that are not released yet come last: they change every day.
      .sort((a, b) => Number(isReleased(b.release, day)) - Number(isReleased(a.release, day)) || b.release.localeCompare(a.release))
      .map(({ series }) => series)
  );
}

function isReleased(release: string, day: string): boolean {
  return release !== "" && release <= day;
}
