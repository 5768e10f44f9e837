import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { programFolders } from "./programs.ts";
import { findMissingIds, type StartFacts } from "./start-facts.ts";

/**
 * LXC has a container's id ranges written by newuidmap(1) and newgidmap(1), each through a shell, which takes a third of a
 * start. Root may write them itself, and LXC does that where what it finds in PATH under these names has no privileges
 * (`lxc_map_ids`, LXC 3 to 7). Folders of these names are such: whoever wants to run the tools is led past them (execvp(3)).
 *
 * What LXC has the tools for, as root, is to insist that the ranges were granted to root and so to nobody else: that is checked here.
 */
const folder = "/run/lxc-desktop/idmap";

/** Variables that have `lxc-start` write the ids of this container itself; none where the tools have to say why it may not. */
export function directIdmap({ entries }: Pick<StartFacts, "entries">): Record<string, string> {
  if (findMissingIds({ entries })) return {};
  for (const tool of ["newuidmap", "newgidmap"]) mkdirSync(join(folder, tool), { recursive: true });
  return { PATH: [folder, ...programFolders].join(":") };
}

/** LXC warns of each in its log. */
export function isWarningOfDirectIdmap(line: string): boolean {
  return / WARN .*new[ug]idmap is lacking necessary privileges/.test(line);
}
