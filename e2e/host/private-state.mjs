import { mkdirSync } from "node:fs";

const state = "/var/lib/lxc-desktop";
/** LXC's Debian template fills its cache for one container at a time, and all others wait for it. */
const ofTemplates = ["/var/cache/lxc", "/var/lock/subsys"];
/** Addresses of the one bridge that all share: each must know those of the others. */
const addresses = `${state}/dhcp-hosts`;

/**
 * For tests that run while others use the installed app: they have tasks, journal, images and a cache of templates of their own.
 * @returns {string[]} what is put before a command, which then has a mount namespace of its own (unshare(1)) in which that is so
 */
export function withPrivateState() {
  for (const folder of [addresses, ...ofTemplates]) mkdirSync(folder, { recursive: true });
  const steps = [
    // Their name leads to something else as soon as the rest is hidden.
    `exec 3< "${addresses}"`,
    `mount -t tmpfs -o mode=755 tmpfs "${state}"`,
    `mkdir "${addresses}"`,
    `mount --no-canonicalize --bind /proc/self/fd/3 "${addresses}"`,
    "exec 3<&-",
    ...ofTemplates.map((folder) => `mount -t tmpfs -o mode=755 tmpfs "${folder}"`),
    'exec "$@"',
  ];
  return ["/usr/bin/unshare", "--mount", "/bin/sh", "-ec", steps.join("; "), "sh"];
}
