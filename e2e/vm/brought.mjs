import { capture } from "../host/command.mjs";

/**
 * npm packages that no test inside needs: they would take most of the time of copying. What the page is made of is in its build.
 */
const left = [
  ...["@biomejs", "@tabler", "@mantine", "@typescript", "typescript", "recharts", "es-toolkit", "electron", "electron-winstaller"],
  ...[
    "electron-builder",
    "electron-builder-squirrel-windows",
    "app-builder-bin",
    "app-builder-lib",
    "node-pty/prebuilds",
    "node-pty/third_party",
    "node-pty/deps",
  ],
  ...["node-pty/build/Release/obj.target", "@codemirror", "lightningcss-linux-x64-gnu", "lightningcss-linux-x64-musl"],
];

/**
 * Packs the checkout, with its build and its npm packages, into an archive that a machine reads as a disk.
 * @param {string} checkout
 * @param {string} archive
 */
export function packCheckout(checkout, archive) {
  const excluded = [".git", "test-results", ...left.map((name) => `node_modules/${name}`)].map((path) => `--exclude=./${path}`);
  const { exitCode, output } = capture([
    "tar",
    "--create",
    "--file",
    archive,
    "--directory",
    checkout,
    "--owner=0",
    "--group=0",
    ...excluded,
    ".",
  ]);
  if (exitCode !== 0) throw new Error(`The checkout could not be packed: ${output}`);
}
