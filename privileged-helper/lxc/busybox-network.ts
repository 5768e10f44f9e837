import { lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the busybox template's udhcpc(1) runs with "deconfig" first, and with "bound" once it has an address. */
const script = "etc/udhcpc/default.script";

/**
 * Lets a fresh busybox system keep the address that LXC gives it. Its DHCP client takes every address away before it asks, so
 * that for some 40 ms after the start nothing would answer; then it sets the same one again, which is reserved for it.
 * @param rootfs As the template has made it: nothing of it has run.
 */
export function keepAddress(rootfs: string): void {
  const path = join(rootfs, script);
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const text = readFileSync(path, "utf8")
    .replace("ip addr flush dev $interface", ": # the address stays, it is reserved for this system")
    .replace("ip addr add $ip", "ip addr replace $ip");
  writeFileSync(path, text);
}
