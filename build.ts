/** Builds everything that runs into dist/: the Node bundles with esbuild, the renderer with vite. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import { build as buildRenderer } from "vite";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

// Whoever builds, a test included: React's development build is another one, and has paths of this folder in it.
process.env.NODE_ENV = "production";

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  define: { APP_VERSION: JSON.stringify(version) },
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  // A comment with one letter beyond Latin-1 doubles what the whole text takes in memory. Names stay, for what errors tell.
  minifyWhitespace: true,
} as const;

/** Packages of others by the part of dist/ that holds code of theirs: their licences go with it. */
const bundled: Record<"helper" | "web" | "desktop" | "renderer", Set<string>> = {
  helper: new Set(["node-pty"]),
  web: new Set(),
  desktop: new Set(),
  renderer: new Set(),
};

function noteBundled(part: keyof typeof bundled, paths: Iterable<string>) {
  for (const path of paths) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    if (name !== undefined) bundled[part].add(name);
  }
}

/** The addon cannot be bundled; what node-pty needs at run time on Linux lies beside the helper. */
function copyNodePty() {
  const from = join(root, "node_modules/node-pty");
  const to = join(dist, "helper/node_modules/node-pty");
  mkdirSync(join(to, "build/Release"), { recursive: true });
  cpSync(join(from, "package.json"), join(to, "package.json"));
  cpSync(join(from, "LICENSE"), join(to, "LICENSE"));
  cpSync(join(from, "build/Release/pty.node"), join(to, "build/Release/pty.node"));
  cpSync(join(from, "lib"), join(to, "lib"), { recursive: true, filter: (path) => !/\.(map|test\.js)$/.test(path) });
}

rmSync(dist, { recursive: true, force: true });
const helper = await bundle({
  ...common,
  entryPoints: {
    main: "privileged-helper/main.ts",
    "shift-owners": "privileged-helper/lxc/shift-owners-main.ts",
    "convert-owners": "privileged-helper/lxc/convert-owners-main.ts",
    "image-unpack": "privileged-helper/lxc/image-unpack-main.ts",
    "undo-host": "privileged-helper/undo-host-main.ts",
  },
  outdir: "dist/helper",
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  // What a program finds beside itself.
  define: { ...common.define, "import.meta.dirname": "__dirname" },
  external: ["node-pty"],
});
noteBundled("helper", Object.keys(helper.metafile.inputs));
copyNodePty();
const web = await bundle({
  ...common,
  define: { ...common.define, PAGE_SKELETON: JSON.stringify(pageSkeleton()) },
  entryPoints: { main: "electron/web/main.ts" },
  outdir: "dist/web",
  outExtension: { ".js": ".mjs" },
  format: "esm",
  splitting: true,
  chunkNames: "[name]-[hash]",
  banner: requireBanner(),
});
noteBundled("web", Object.keys(web.metafile.inputs));
const desktop = await bundle({
  ...common,
  entryPoints: { main: "electron/desktop/main.ts" },
  outdir: "dist/desktop",
  outExtension: { ".js": ".mjs" },
  format: "esm",
  external: ["electron"],
  banner: requireBanner(),
});
noteBundled("desktop", Object.keys(desktop.metafile.inputs));
await bundle({
  ...common,
  entryPoints: { preload: "electron/desktop/preload.cts" },
  outdir: "dist/desktop",
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  external: ["electron"],
});
await buildRenderer({
  configFile: join(root, "vite.config.ts"),
  logLevel: "warn",
  plugins: [
    {
      name: "note-bundled",
      generateBundle() {
        noteBundled("renderer", this.getModuleIds());
      },
    },
  ],
});
writeFileSync(
  join(dist, "bundled.json"),
  `${JSON.stringify(bundled, (_key, value) => (value instanceof Set ? [...value].sort() : value), 2)}\n`,
);
writeFileSync(join(dist, "version"), `${version}\n`);

/** Bundled CommonJS packages (ws) ask for Node's modules by `require`, which an ES module has to make first. */
function requireBanner() {
  return { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
}

/** What the page shows before anything else is loaded, as one piece that needs no other file. */
function pageSkeleton(): string {
  const page = readFileSync(join(root, "renderer/index.html"), "utf8");
  const icon = readFileSync(join(root, "renderer/public/icon.svg")).toString("base64");
  const parts = [/<style>.*?<\/style>/s, /<div class="skeleton">.*?<\/div>/s].map((part) => part.exec(page)?.[0]);
  if (parts.includes(undefined)) throw new Error("the page has no skeleton");
  return parts.join("").replace('src="./icon.svg"', `src="data:image/svg+xml;base64,${icon}"`);
}
