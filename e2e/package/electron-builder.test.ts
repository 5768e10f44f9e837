import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Arch, build, type Configuration, Platform } from "electron-builder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layOutForElectron } from "../../electron/package/lay-out-for-electron.ts";

/**
 * electron-builder itself reads electron-builder.yml, checks it by its own schema and works out what it would hand to fpm. Only the
 * last step, in which Electron's program would be needed, is left out.
 */
type Handed = { args: string[]; desktopEntry: string; afterInstall: string };

const appFolder = "/opt/LXC Desktop";
let folder: string;
let configuration: Configuration;
const handed = new Map<string, Handed>();

beforeAll(async () => {
  layOutForElectron(process.cwd());
  folder = mkdtempSync(join(tmpdir(), "electron-builder-"));
  mkdirSync(join(folder, "app/resources"), { recursive: true });
  const library = createRequire(createRequire(import.meta.url).resolve("electron-builder"));
  const { getConfig } = library("app-builder-lib/out/util/config/config.js");
  configuration = await getConfig(process.cwd(), null, null);
  await build({
    projectDir: process.cwd(),
    targets: Platform.LINUX.createTarget(["deb", "rpm"], Arch.x64),
    prepackaged: join(folder, "app"),
    publish: "never",
    config: { directories: { output: join(folder, "release") } },
    async effectiveOptionComputed(options: unknown) {
      const [args, desktopFile] = options as [string[], string];
      const target = args[args.indexOf("--package") + 1]?.endsWith(".rpm") ? "rpm" : "deb";
      handed.set(target, {
        args,
        desktopEntry: readFileSync(desktopFile, "utf8"),
        afterInstall: readFileSync(args[args.indexOf("--after-install") + 1] ?? "", "utf8"),
      });
      return true;
    },
  });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What goes where, as fpm is told. */
const mapped = (target: string) =>
  new Map(
    handed.get(target)?.args.flatMap((arg): [string, string][] => {
      const [, from, to] = /^([^-].*)=(\/.*)$/.exec(arg) ?? [];
      return from === undefined || to === undefined ? [] : [[to, from]];
    }),
  );

it("every file that the configuration names is there after a build", () => {
  const { files, extraResources, linux, deb, rpm, appImage } = configuration;
  const named = [
    ...(files as { filter: string[] }[])
      .flatMap(({ filter }) => filter)
      .filter((one) => !one.startsWith("!"))
      .map((one) => one.replace("/**", "")),
    ...(extraResources as { from: string }[]).map(({ from }) => from),
    linux?.icon ?? "",
    appImage?.license ?? "",
    ...[deb, rpm].flatMap((target) => target?.fpm ?? []).flatMap((arg) => /^--(?:before|after)-\w+=(.*)$/.exec(arg)?.[1] ?? []),
    ...[deb, rpm].flatMap((target) => target?.fpm ?? []).flatMap((arg) => /^([^-].*)=\//.exec(arg)?.[1] ?? []),
  ];
  expect(named.length).toBeGreaterThan(10);
  for (const path of named) expect(existsSync(path), path).toBe(true);
});

it("a release has none of the doors that fuses close", () => {
  expect(configuration.electronFuses).toEqual({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    grantFileProtocolExtraPrivileges: false,
    enableCookieEncryption: true,
    onlyLoadAppFromAsar: true,
  });
  expect(configuration.asar).toBe(true);
});

describe.each(["deb", "rpm"])("the %s", (target) => {
  it("installs the app, and beside it what root owns", () => {
    expect(mapped(target).get("/")).toBe("release/root/");
    expect(mapped(target).get(appFolder)).toBe(`${join(folder, "app")}/`);
    for (const path of [
      "usr/lib/lxc-desktop/launch",
      "usr/lib/lxc-desktop/manifest.json",
      "usr/lib/lxc-desktop/helper/main.cjs",
      "usr/share/polkit-1/actions/org.lxcdesktop.policy",
      "usr/share/metainfo/org.lxcdesktop.app.metainfo.xml",
      "usr/share/man/man1/lxc-desktop.1.gz",
      "usr/share/doc/lxc-desktop-electron/copyright",
    ]) {
      expect(existsSync(join("release/root", path)), path).toBe(true);
    }
    expect(statSync("release/root/usr/lib/lxc-desktop/launch").mode & 0o777).toBe(0o755);
  });

  it("has icons in all sizes", () => {
    for (const size of [16, 24, 32, 48, 64, 128, 256, 512]) {
      const from = mapped(target).get(`/usr/share/icons/hicolor/${size}x${size}/apps/lxc-desktop.png`);
      expect(from && existsSync(from), `${size}`).toBe(true);
    }
  });

  it("has the same desktop entry as the small package, but for what it starts", () => {
    const read = (text: string) =>
      new Map(text.split("\n").flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1) as [string, string]].filter(Boolean)));
    const entry = read(handed.get(target)?.desktopEntry ?? "");
    expect(entry.get("Exec")).toBe(`"${appFolder}/lxc-desktop" %U`);
    const small = read(readFileSync("assets/lxc-desktop.desktop", "utf8"));
    small.delete("Exec");
    entry.delete("Exec");
    expect(Object.fromEntries(entry)).toEqual(Object.fromEntries(small));
    expect(mapped(target).has("/usr/share/applications/lxc-desktop.desktop")).toBe(true);
  });

  it("lets Chromium's sandbox work, also where AppArmor restricts user namespaces", () => {
    const { afterInstall = "" } = handed.get(target) ?? {};
    expect(afterInstall).toContain(`chmod 4755 '${appFolder}/chrome-sandbox'`);
    expect(afterInstall).toContain("apparmor_parser --replace");
    const profile = readFileSync(join(folder, "app/resources/apparmor-profile"), "utf8");
    expect(profile).toContain(`"${appFolder}/lxc-desktop" flags=(unconfined)`);
    expect(profile).toMatch(/^\s*userns,$/m);
  });

  it("does before it comes and goes what the small package does", () => {
    const args = handed.get(target)?.args ?? [];
    expect(args).toContain("--before-install=assets/package/before-install");
    expect(args).toContain("--before-remove=assets/package/before-remove");
  });
});

it("the deb needs what the small packages need, and is never there together with them", async () => {
  const { describePackages } = await import("../../electron/package/packages.ts");
  const { helper, app } = describePackages(process.cwd());
  for (const dependency of helper.depends) expect(configuration.deb?.depends).toContain(dependency);
  for (const one of helper.recommends) expect(configuration.deb?.recommends).toContain(one);
  for (const { name } of [helper, app]) expect(handed.get("deb")?.args).toContain(`--conflicts=${name}`);
});

it("the AppImage carries the helper's package", () => {
  expect(configuration.extraResources).toEqual([{ from: "release/appimage" }]);
  expect(readdirSync("release/appimage")).toEqual([expect.stringMatching(/^lxc-desktop-helper_.*\.deb$/)]);
});
