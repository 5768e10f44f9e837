import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatSbom } from "./sbom.ts";

const root = join(import.meta.dirname, "../..");
type Locked = {
  version: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  devOptional?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
};
const lock: { lockfileVersion: number; packages: Record<string, Locked> } = JSON.parse(
  readFileSync(join(root, "package-lock.json"), "utf8"),
);
const others = Object.entries(lock.packages).filter(([path]) => path !== "");
const {
  dependencies,
  devDependencies,
}: Record<"dependencies" | "devDependencies", Record<string, string>> = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Of what is in our packages: whatever may be redistributed with nothing more than its text. */
const licencesOfShipped = [
  "MIT",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "Unlicense",
  "(MIT OR CC0-1.0)",
  "MIT AND ISC AND BSD-3-Clause",
];
/** Of what only builds and tests. */
const licencesOfTools = [
  ...licencesOfShipped,
  "MPL-2.0",
  "BlueOak-1.0.0",
  "Python-2.0",
  "WTFPL",
  "MIT OR Apache-2.0",
  "WTFPL OR ISC",
  "(WTFPL OR MIT)",
];

describe("the lockfile", () => {
  it("has the digest of every package, and no address of its own for any", () => {
    expect(lock.lockfileVersion).toBe(3);
    expect(others.length).toBeGreaterThan(100);
    expect(others.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")).map(([path]) => path)).toEqual([]);
    // The registry is whichever npm is told of; what comes is held against the digest.
    const elsewhere = others.filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith("https://registry.npmjs.org/"));
    expect(elsewhere.map(([path]) => path)).toEqual([]);
  });

  it("is of exact versions, and of those that package.json names", () => {
    for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(wanted, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(wanted);
    }
  });

  it("runs programs of these packages when they are installed, and of no others", () => {
    const withScript = others.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    // The addon that is compiled; the check that a program fits this computer; and a tool for Windows, which is never installed here.
    expect(withScript.sort()).toEqual(["node_modules/electron-winstaller", "node_modules/esbuild", "node_modules/node-pty"]);
  });

  it("has licences that let us ship what is shipped, and use what builds it", () => {
    const refused = others.filter(([, { license, dev, devOptional }]) => {
      const allowed = dev || devOptional ? licencesOfTools : licencesOfShipped;
      return license !== undefined && !allowed.includes(license);
    });
    expect(refused.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
    const silent = others.filter(([, { license, dev, devOptional }]) => license === undefined && !dev && !devOptional);
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe("the list of what is in a package", () => {
  const sbomOf = (packages: string[]) => JSON.parse(formatSbom(root, { name: "lxc-desktop", version: "1.2.3", packages }));

  it("has name, version, licence and digest of each, once, and is the same each time", () => {
    const { bomFormat, components } = sbomOf(["zod", "@xterm/xterm", "zod"]);
    expect(bomFormat).toBe("CycloneDX");
    expect(components).toMatchObject([
      { group: "@xterm", name: "xterm", purl: expect.stringMatching(/^pkg:npm\/%40xterm\/xterm@\d/), licenses: [{ expression: "MIT" }] },
      {
        name: "zod",
        version: lock.packages["node_modules/zod"]?.version,
        hashes: [{ alg: "SHA-512", content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
      },
    ]);
    expect(formatSbom(root, { name: "a", version: "1", packages: ["zod", "ws"] })).toBe(
      formatSbom(root, { name: "a", version: "1", packages: ["ws", "zod"] }),
    );
  });

  it("fails the build where something was bundled that the lockfile does not know", () => {
    const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-sbom-"));
    try {
      writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages: {} }));
      expect(() => formatSbom(folder, { name: "a", version: "1", packages: ["zod"] })).toThrow("zod was bundled");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the source of what root runs", () => {
  const folder = join(root, "privileged-helper");
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !/(^|\/)(testing|testdata)\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));

  /** With where each is right: there it is said why. */
  const bans: [what: string, pattern: RegExp, allowedIn: string[]][] = [
    ["a shell", /\bshell: *true|\bexecSync\(|\bimport\b[^;]*\bexec\b[^;]*node:child_process/, []],
    [
      "a program that is started elsewhere than where programs are",
      /\b(spawn|spawnSync|execFile|execFileSync|fork)\(/,
      ["lxc/run.ts", "terminals.ts", "archive/decompress.ts", "lxc/convert-owners.ts", "lxc/image-unpack.ts"],
    ],
    [
      "a path that is resolved before it is used",
      /\brealpath(Sync)?\(/,
      ["lxc/audit/audit-facts.ts", "lxc/audit/root-disk.ts", "lxc/known-templates.ts"],
    ],
    [
      "removing a tree by name",
      /\brm(Sync)?\([^;]*recursive/,
      ["lxc/idmapped-mount.ts", "lxc/network.ts", "task-history.ts", "undo-host-main.ts"],
    ],
    ["code that is made of text", /\beval\(|new Function\(/, []],
    ["listening", /\bcreateServer\(|\.listen\(|\bcreateSocket\(/, []],
  ];

  it.each(bans)("has not %s", (_what, pattern, allowedIn) => {
    expect(sources.length).toBeGreaterThan(50);
    const found = sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
    expect(found.filter((path) => !allowedIn.includes(path))).toEqual([]);
    // What is not needed any more is not to be allowed either.
    expect(allowedIn.filter((path) => !found.includes(path))).toEqual([]);
  });

  it("imports Node, zod and node-pty, and nothing else of others", () => {
    const imported = new Set(
      sources.flatMap(({ text }) =>
        [...text.matchAll(/^(?:import|export) [^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)|\brequire\("([^"]+)"\)/gm)].map(
          (match) => match[1] ?? match[2] ?? match[3] ?? "",
        ),
      ),
    );
    expect([...imported].filter((one) => !one.startsWith(".") && !one.startsWith("node:")).sort()).toEqual(["node-pty", "zod"]);
  });
});
