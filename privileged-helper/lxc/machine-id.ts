import { rewriteInside } from "./rewrite-inside.ts";

/** Empties what tells one computer from another: a copy gets one of its own when it is started first (machine-id(5)). */
export function forgetMachineId(layers: { rootfs: string; upper?: string | undefined }): void {
  rewriteInside(layers, "etc/machine-id", () => "");
}
