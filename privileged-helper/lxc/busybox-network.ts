import { rewriteInside } from "./rewrite-inside.ts";

/** What the busybox template's udhcpc(1) runs with "deconfig" first, and with "bound" once it has an address. */
const script = "etc/udhcpc/default.script";

/**
 * Lets a fresh busybox system keep the address that LXC gives it. Its DHCP client takes every address away before it asks, so
 * that for some 40 ms after the start nothing would answer; then it sets the same one again, which is reserved for it.
 * @param layers Its root file system, or what lies below its own files and those.
 */
export function keepAddress(layers: { rootfs: string; upper?: string }): void {
  rewriteInside(layers, script, (text) =>
    text
      .replace("ip addr flush dev $interface", ": # the address stays, it is reserved for this system")
      .replace("ip addr add $ip", "ip addr replace $ip"),
  );
}
