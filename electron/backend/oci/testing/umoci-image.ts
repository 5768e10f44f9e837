import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What umoci writes into an image's configuration; its options are named the same, with `--config.` before. */
export type UmociConfig = Partial<
  Record<"entrypoint" | "cmd" | "env" | "exposedports" | "volume", readonly string[]> & Record<"user" | "workingdir" | "stopsignal", string>
>;

/**
 * Makes an image with umoci(1), as people do.
 * @param layout A folder that becomes a layout of OCI.
 * @param layers Each puts its files into the root file system.
 */
export function makeUmociImage(layout: string, tag: string, layers: readonly ((rootfs: string) => void)[], config: UmociConfig): void {
  const place = mkdtempSync(join(tmpdir(), "lxc-desktop-umoci-"));
  const image = ["--image", `${layout}:${tag}`];
  const umoci = (...args: string[]) => execFileSync("umoci", args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    umoci("init", "--layout", layout);
    umoci("new", ...image);
    for (const [number, addFiles] of layers.entries()) {
      const bundle = join(place, `bundle-${number}`);
      umoci("unpack", ...image, bundle);
      addFiles(join(bundle, "rootfs"));
      umoci("repack", ...image, bundle);
    }
    const options = Object.entries(config).flatMap(([name, values]) => [values].flat().flatMap((value) => [`--config.${name}`, value]));
    umoci("config", ...image, ...options);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** What `docker save` writes of an image. */
export function saveForDocker(layout: string, tag: string, path: string, name: string): void {
  execFileSync("skopeo", ["copy", "--quiet", `oci:${layout}:${tag}`, `docker-archive:${path}:${name}`]);
}
