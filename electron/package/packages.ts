import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestsOfFiles } from "../launch/installed-helper.mjs";
import { formatCopyright } from "./copyright.ts";
import { debianVersion, formatChangelog, readReleases } from "./releases.ts";
import { formatSbom } from "./sbom.ts";
import { isElf, strip } from "./strip.ts";

/** A file that a package installs. */
export type PackagedFile = { path: string; body: Buffer; executable?: boolean };
/** What a package is, before it is one file. */
export type Package = {
  name: string;
  version: string;
  architecture: "any" | "all";
  summary: string;
  description: string[];
  depends: string[];
  recommends: string[];
  files: PackagedFile[];
  /** By the name that dpkg knows them by. */
  maintainerScripts: Record<string, Buffer>;
  /** Seconds since 1970: when it was released, which is also the time of all of its files. */
  releasedAt: number;
};

export const maintainer = "LXC Desktop contributors <maintainers@lxc-desktop.invalid>";
const helperHome = "usr/lib/lxc-desktop";
const appHome = "usr/share/lxc-desktop";
const appDescription = [
  "Create, start and stop Linux containers by clicking, watch their CPU and memory live, open a terminal inside, and throw them away.",
  "Underneath is plain LXC: what is done here shows up in the lxc tools, and the other way round.",
];

/**
 * The two packages that a build makes: the helper, which runs as root, and the app, which shows itself with a Chromium of the
 * system.
 * @param checkout with a build in dist/
 */
export function describePackages(checkout: string): { helper: Package; app: Package } {
  const asset = (path: string) => readFileSync(join(checkout, "assets", path));
  const version = readFileSync(join(checkout, "dist/version"), "utf8").trim();
  const bundled: Record<string, string[]> = JSON.parse(readFileSync(join(checkout, "dist/bundled.json"), "utf8"));
  const releases = readReleases(join(checkout, "assets/org.lxcdesktop.app.metainfo.xml"));
  const release = releases.find((one) => one.version === version);
  if (!release) throw new Error(`assets/org.lxcdesktop.app.metainfo.xml does not say what is new in version ${version}.`);
  const releasedAt = Number(process.env.SOURCE_DATE_EPOCH ?? Date.parse(`${release.date}T00:00:00Z`) / 1000);
  const documents = (name: string, packages: string[]): PackagedFile[] => [
    { path: `usr/share/doc/${name}/sbom.cdx.json`, body: Buffer.from(formatSbom(checkout, { name, version, packages })) },
    { path: `usr/share/doc/${name}/copyright`, body: Buffer.from(formatCopyright(checkout, packages)) },
    { path: `usr/share/doc/${name}/changelog.gz`, body: gzip(formatChangelog(name, maintainer, releases)) },
  ];

  const helper: Package = {
    name: "lxc-desktop-helper",
    version: debianVersion(version),
    architecture: "any",
    summary: "part of LXC Desktop that runs as root",
    description: [
      ...appDescription,
      "This package holds the helper that runs the lxc tools, and the polkit policy that says who may start it. It runs only as long as the app does, and listens on no socket.",
    ],
    depends: [
      "nodejs (>= 20.19)",
      "lxc",
      "lxc-templates",
      "uidmap",
      "dnsmasq-base",
      "iproute2",
      "iptables | nftables",
      "polkitd",
      "pkexec",
    ],
    recommends: ["busybox-static | busybox", "debootstrap", "rsync", "distro-info", "apparmor", "xz-utils", "zstd", "skopeo", "tini"],
    files: [...helperFiles(checkout, version), ...documents("lxc-desktop-helper", bundled.helper ?? [])],
    maintainerScripts: {
      preinst: asset("package/before-install"),
      prerm: asset("package/before-remove"),
      postrm: asset("package/after-purge"),
    },
    releasedAt,
  };
  const app: Package = {
    name: "lxc-desktop",
    version: debianVersion(version),
    architecture: "all",
    summary: "Linux containers on the desktop",
    description: appDescription,
    depends: [`lxc-desktop-helper (= ${debianVersion(version)})`, "nodejs (>= 20.19)"],
    // Without one, the app prints an address for a browser.
    recommends: ["chromium | chromium-browser | google-chrome-stable | brave-browser | microsoft-edge-stable | vivaldi-stable"],
    files: [
      ...filesBelow(join(checkout, "dist/web"), `${appHome}/web`),
      ...filesBelow(join(checkout, "dist/renderer"), `${appHome}/renderer`),
      { path: "usr/bin/lxc-desktop", body: asset("package/lxc-desktop"), executable: true },
      ...desktopFiles(checkout),
      ...documents("lxc-desktop", [...(bundled.web ?? []), ...(bundled.desktop ?? []), ...(bundled.renderer ?? [])]),
    ],
    maintainerScripts: {},
    releasedAt,
  };
  return { helper, app };
}

/**
 * What the packages with Electron hold besides Electron's own folder: the helper and what desktops read. Their desktop entry and
 * icons are electron-builder's, which the AppImage needs, too.
 */
export function filesForElectron({ helper, app }: { helper: Package; app: Package }): PackagedFile[] {
  const ours = /^usr\/share\/(man|metainfo|doc|icons\/hicolor\/scalable)\//;
  // fpm writes a changelog of its own.
  const files = [...helper.files, ...app.files.filter(({ path }) => ours.test(path))].filter(({ path }) => !path.endsWith("/changelog.gz"));
  return files.map((file) => ({ ...file, path: file.path.replace("/doc/lxc-desktop/", "/doc/lxc-desktop-electron/") }));
}

/** What root runs, and polkit's policy. */
function helperFiles(checkout: string, version: string): PackagedFile[] {
  const home: PackagedFile[] = [
    // Its licence is in the copyright file.
    ...filesBelow(join(checkout, "dist/helper"), "helper")
      .filter(({ path }) => !path.endsWith("/LICENSE"))
      .map((file) => (isElf(file.body) ? { ...file, body: strip(file.body) } : file)),
    { path: "launch", body: readFileSync(join(checkout, "assets/launch")), executable: true },
  ];
  const manifest = { version, files: digestsOfFiles(home) };
  return [
    ...home.map((file) => ({ ...file, path: `${helperHome}/${file.path}` })),
    { path: `${helperHome}/manifest.json`, body: Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`) },
    {
      path: "usr/share/polkit-1/actions/org.lxcdesktop.policy",
      body: readFileSync(join(checkout, "assets/org.lxcdesktop.policy")),
    },
    {
      path: "usr/share/doc/lxc-desktop-helper/examples/50-lxc-desktop.rules",
      body: readFileSync(join(checkout, "assets/50-lxc-desktop.rules.example")),
    },
  ];
}

/** How desktops find the app, whichever browser shows it. */
function desktopFiles(checkout: string): PackagedFile[] {
  const asset = (path: string) => readFileSync(join(checkout, "assets", path));
  return [
    { path: "usr/share/applications/lxc-desktop.desktop", body: asset("lxc-desktop.desktop") },
    { path: "usr/share/metainfo/org.lxcdesktop.app.metainfo.xml", body: asset("org.lxcdesktop.app.metainfo.xml") },
    { path: "usr/share/man/man1/lxc-desktop.1.gz", body: gzip(asset("lxc-desktop.1")) },
    ...readdirSync(join(checkout, "assets/icons"))
      .sort()
      .map((name) => {
        const [, size] = /^(\d+x\d+)\.png$/.exec(name) ?? [];
        const path = size === undefined ? `scalable/apps/${name}` : `${size}/apps/lxc-desktop.png`;
        return { path: `usr/share/icons/hicolor/${path}`, body: asset(`icons/${name}`) };
      }),
  ];
}

function filesBelow(folder: string, target: string): PackagedFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: `${target}/${path.slice(folder.length + 1)}`, body: readFileSync(path) }));
}

/** Without a name or a time, so that the same text gives the same bytes. */
function gzip(text: string | Buffer): Buffer {
  return gzipSync(text, { level: 9 });
}
