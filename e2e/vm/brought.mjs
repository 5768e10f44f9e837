import { realpathSync } from "node:fs";
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

/** Where in the checkout a machine finds the Node that runs this. */
export const nodeBrought = "node";

/**
 * Packs the checkout, with its build, its npm packages and the program of Node, into an archive that a machine reads as a disk.
 * @param {string} checkout
 * @param {string} archive
 */
export function packCheckout(checkout, archive) {
  const excluded = [".git", "test-results", ...left.map((name) => `node_modules/${name}`)].map((path) => `--exclude=./${path}`);
  const node = realpathSync(process.execPath);
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
    `--transform=s|^${node.slice(1)}$|./${nodeBrought}|`,
    ".",
    node,
  ]);
  if (exitCode !== 0) throw new Error(`The checkout could not be packed: ${output}`);
}
