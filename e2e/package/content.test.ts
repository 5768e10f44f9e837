import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";

const { current, again } = inject("builtPackages");
const debs = readdirSync(current).sort();
const helperDeb = join(current, debs.find((name) => name.startsWith("lxc-desktop-helper_")) ?? "");
const appDeb = join(current, debs.find((name) => name.startsWith("lxc-desktop_")) ?? "");

/** Each entry as `drwxr-xr-x root/root PATH`. */
function list(deb: string): { mode: string; owner: string; path: string }[] {
  const lines = execFileSync("dpkg-deb", ["--contents", deb], { encoding: "utf8" }).trim().split("\n");
  return lines.map((line) => {
    const [mode = "", owner = "", , , , path = ""] = line.split(/\s+/);
    return { mode, owner, path: path.slice(1) };
  });
}
const field = (deb: string, name: string) => execFileSync("dpkg-deb", ["--field", deb, name], { encoding: "utf8" }).trim();

it("building twice, in another folder, gives the same bytes", () => {
  const digests = (folder: string) =>
    readdirSync(folder)
      .sort()
      .map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex"),
      ]);
  expect(debs).toHaveLength(2);
  expect(digests(again)).toEqual(digests(current));
});

it("lintian finds no error", () => {
  const { stdout, stderr, status } = spawnSync("lintian", ["--fail-on", "none", "--allow-root", helperDeb, appDeb], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  expect(stdout.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
});

describe("what is in the packages", () => {
  it.each([helperDeb, appDeb])("belongs to root, is changed by nobody else, and gives nobody another's rights: %s", (deb) => {
    for (const { mode, owner, path } of list(deb)) {
      expect(owner, path).toBe("root/root");
      expect(mode, path).toMatch(/^[d-]rw[x-]r-[x-]r-[x-]$/);
    }
  });

  it("the helper is all that root needs, and nothing else", () => {
    const paths = list(helperDeb).map(({ path }) => path);
    for (const path of ["launch", "manifest.json", "helper/main.cjs", "helper/shift-owners.cjs", "helper/undo-host.cjs"]) {
      expect(paths).toContain(`/usr/lib/lxc-desktop/${path}`);
    }
    expect(paths).toContain("/usr/lib/lxc-desktop/helper/node_modules/node-pty/build/Release/pty.node");
    expect(paths).toContain("/usr/share/polkit-1/actions/org.lxcdesktop.policy");
    expect(paths.filter((path) => /^\/usr\/(bin|share\/(applications|icons|lxc-desktop))/.test(path))).toEqual([]);
    expect(field(helperDeb, "Architecture")).toBe(execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim());
    expect(field(helperDeb, "Depends")).toMatch(/libc6 \(>= 2\.\d+\)/);
  });

  it("the app has a launcher, a desktop entry, icons in all sizes, metadata and a man page", () => {
    const paths = list(appDeb).map(({ path }) => path);
    expect(paths).toContain("/usr/bin/lxc-desktop");
    expect(paths).toContain("/usr/share/applications/lxc-desktop.desktop");
    expect(paths).toContain("/usr/share/metainfo/org.lxcdesktop.app.metainfo.xml");
    expect(paths).toContain("/usr/share/man/man1/lxc-desktop.1.gz");
    for (const size of ["16x16", "24x24", "32x32", "48x48", "64x64", "128x128", "256x256", "512x512"]) {
      expect(paths).toContain(`/usr/share/icons/hicolor/${size}/apps/lxc-desktop.png`);
    }
    expect(paths).toContain("/usr/share/icons/hicolor/scalable/apps/lxc-desktop.svg");
    expect(field(appDeb, "Depends")).toContain(`lxc-desktop-helper (= ${field(helperDeb, "Version")})`);
  });

  it.each([helperDeb, appDeb])("has a copyright file that names every package whose code it holds: %s", (deb) => {
    const name = field(deb, "Package");
    const text = execFileSync("/bin/sh", ["-c", `dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/${name}/copyright`, "sh", deb], {
      encoding: "utf8",
    });
    const bundled = JSON.parse(readFileSync("dist/bundled.json", "utf8"));
    const names: string[] = name === "lxc-desktop" ? [...bundled.web, ...bundled.renderer] : bundled.helper;
    expect(names).toContain("zod");
    for (const one of names) expect(text).toContain(`Files: node_modules/${one}/*\n`);
    // Each licence that a stanza names is there in full.
    const paragraphs = text.trim().split("\n\n");
    const named = paragraphs.flatMap((one) => (one.startsWith("Files:") ? [/^License: (.*)$/m.exec(one)?.[1]] : []));
    const given = paragraphs.flatMap((one) => (one.startsWith("License:") ? [/^License: (.*)\n /.exec(one)?.[1]] : []));
    expect(new Set(given)).toEqual(new Set(named));
  });
});

describe("the list of what is in a package", () => {
  it.each([helperDeb, appDeb])("names what was bundled, and nothing else: %s", (deb) => {
    const name = field(deb, "Package");
    const text = execFileSync(
      "/bin/sh",
      ["-c", `dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/${name}/sbom.cdx.json`, "sh", deb],
      {
        encoding: "utf8",
      },
    );
    const { components, metadata } = JSON.parse(text);
    const bundled = JSON.parse(readFileSync("dist/bundled.json", "utf8"));
    const names: string[] = name === "lxc-desktop" ? [...bundled.web, ...bundled.desktop, ...bundled.renderer] : bundled.helper;
    expect(components.map((one: { "bom-ref": string }) => one["bom-ref"].replace(/@[^@]*$/, ""))).toEqual([...new Set(names)].sort());
    expect(metadata.component.version).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
  });
});

describe("what desktops read", () => {
  it("the desktop entry is valid", () => {
    const { status, stdout } = spawnSync("desktop-file-validate", ["assets/lxc-desktop.desktop"], { encoding: "utf8" });
    expect(`${status} ${stdout}`).toBe("0 ");
  });

  it("the metadata is valid AppStream", () => {
    const { status, stdout } = spawnSync("appstreamcli", ["validate", "--no-net", "--no-color", "assets/org.lxcdesktop.app.metainfo.xml"], {
      encoding: "utf8",
    });
    expect(status, stdout).toBe(0);
  });

  it("the man page is formatted without a warning, and has every option", () => {
    const { stderr, stdout } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z", "assets/lxc-desktop.1"], { encoding: "utf8" });
    expect(stderr + stdout).toBe("");
    const page = readFileSync("assets/lxc-desktop.1", "utf8").replaceAll("\\-", "-");
    const help = execFileSync(process.execPath, ["dist/web/main.mjs", "--help"], { encoding: "utf8" });
    const options = help.match(/--[a-z-]+/g) ?? [];
    expect(options).toContain("--no-open");
    for (const option of options) expect(page).toContain(option);
  });
});
