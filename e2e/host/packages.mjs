import { capture, runLive } from "./command.mjs";

/** What the app, its tests and the compilation of node-pty need of Debian. */
const needed = [
  ...["lxc", "lxc-templates", "uidmap", "busybox-static", "debootstrap", "rsync", "distro-info", "dnsmasq-base", "iptables", "iproute2"],
  ...["pkexec", "polkitd", "dbus", "procps", "libcap2-bin", "attr", "strace", "chromium", "xvfb", "xauth", "fonts-dejavu-core"],
  ...["skopeo", "tini", "umoci", "openssl"],
  ...["g++", "make", "python3"],
  // Of the packages that are built and tested.
  ...["binutils", "lintian", "desktop-file-utils", "appstream", "groff-base", "util-linux", "hicolor-icon-theme"],
];

/** What the virtual machine needs besides. */
export const machinePackages = ["qemu-system-x86", "qemu-utils", "e2fsprogs", "openssh-client"];

/**
 * Installs the Debian packages that are missing.
 * @param {readonly string[]} [more]
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function installPackages(more = []) {
  const wanted = [...needed, ...more];
  const missing = findMissing(wanted);
  if (missing.length === 0) return undefined;
  console.log(`Installing ${missing.join(", ")}`);
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  await runLive(["apt-get", "update", "-q"], environment);
  await runLive(["apt-get", "install", "-q", "-y", "--no-install-recommends", ...missing], environment);
  const stillMissing = findMissing(wanted);
  return stillMissing.length === 0 ? undefined : `These packages could not be installed: ${stillMissing.join(", ")}.`;
}

/** @param {readonly string[]} wanted */
function findMissing(wanted) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is dpkg-query's own notation
  const { output } = capture(["dpkg-query", "-W", "--showformat=${db:Status-Status} ${Package}\\n", ...wanted]);
  const installed = new Set(
    output
      .split("\n")
      .filter((line) => line.startsWith("installed "))
      .map((line) => line.slice("installed ".length)),
  );
  return wanted.filter((name) => !installed.has(name));
}
