import { run } from "../app/machine.ts";
import { containerRelease } from "./recipe.mjs";

const folder = "/run/lxc-desktop-test-mirror";
const port = 8080;
const sources = "/etc/apt/sources.list";

/**
 * Before the Debian template takes what is in its cache, it asks the mirror whether there is such a release. The machine has no network
 * and answers itself, for as long as a test runs.
 * @returns A function that ends it.
 */
export function startMirror(): () => void {
  const release = `${folder}/debian/dists/${containerRelease}`;
  run("/usr/bin/mkdir", "-p", `${release}/main/binary-amd64`);
  run("/usr/bin/touch", `${release}/Release`, `${release}/main/binary-amd64/Release`);
  run("/usr/bin/cp", "-a", sources, `${folder}/sources.list`);
  run("/bin/sh", "-c", `echo 'deb http://127.0.0.1:${port}/debian ${containerRelease} main' > ${sources}`);
  const server = ["busybox", "httpd", "-f", "-p", `127.0.0.1:${port}`, "-h", folder];
  run("/usr/bin/systemd-run", "--quiet", "--unit=lxc-desktop-test-mirror", "--service-type=exec", ...server);
  return () => {
    run("/usr/bin/systemctl", "stop", "lxc-desktop-test-mirror");
    run("/usr/bin/cp", "-a", `${folder}/sources.list`, sources);
    run("/usr/bin/rm", "-r", folder);
  };
}
