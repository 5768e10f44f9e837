/** `npm start`: makes sure that everything is there, and opens the app. Runs before anything is installed, so Node alone has to do. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { addonIsBuilt, build, buildAddon, buildIsFresh, installPackages, packagesAreFresh } from "./freshness.mjs";
import { checkout } from "./installed-helper.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const usage = `npm start -- [--web] [--no-open] [--port N]
npm start --silent -- audit [--json] [--fail-under GRADE] [NAME...]
  --web      do not use Electron: a Chromium window, or a printed address
  --no-open  print the address only
  --port N   listen on this port of 127.0.0.1 (with --web or --no-open)`;
const oldestNode = [20, 19];
const electronDownloadMilliseconds = 8_000;

const isAudit = process.argv[2] === "audit";
const options = isAudit ? {} : readOptions();
try {
  checkNode();
  const wantsWeb = options.web || options["no-open"] || options.port !== undefined;
  const needsCompiler = !addonIsBuilt() || !packagesAreFresh();
  ensureSystemPackages([
    "lxc",
    "templates",
    "idmap",
    "bridge",
    "busybox",
    "debootstrap",
    ...(process.getuid?.() === 0 ? [] : /** @type {const} */ (["polkit", "bus"])),
    ...(needsCompiler ? /** @type {const} */ (["compiler"]) : []),
  ]);
  if (!packagesAreFresh()) installPackages();
  else if (!addonIsBuilt()) buildAddon();
  if (!buildIsFresh()) build();
  const electron = wantsWeb || isAudit ? undefined : findElectron();
  if (isAudit) {
    run(process.execPath, [join(checkout, "dist/web/main.mjs"), ...process.argv.slice(2)]);
  } else if (electron) {
    run(electron, [checkout]);
  } else {
    if (!wantsWeb) console.log("Electron's program could not be had, so the app opens in a Chromium window.");
    if (!options["no-open"] && hasDisplay() && process.getuid?.() !== 0) ensureSystemPackages(["browser"]);
    run(process.execPath, [
      join(checkout, "dist/web/main.mjs"),
      ...(options["no-open"] ? ["--no-open"] : []),
      ...(options.port === undefined ? [] : ["--port", options.port]),
    ]);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // 1 is what an audit says of containers.
  process.exit(isAudit ? 2 : 1);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { web: { type: "boolean" }, "no-open": { type: "boolean" }, port: { type: "string" }, help: { type: "boolean" } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const port = values.port;
    if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535))
      throw new Error(`--port takes a number from 0 to 65535, not ${port}`);
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new Error(`LXC Desktop needs Node ${oldestNode.join(".")} or newer; this is ${process.versions.node}.`);
  }
}

/** Electron's program: one on this machine, or downloaded by its own installer, which gets a few seconds. @returns {string | undefined} */
function findElectron() {
  const program = installedElectron();
  if (program || !hasDisplay() || process.getuid?.() === 0) return program;
  const installer = join(checkout, "node_modules/electron/install.js");
  if (!existsSync(installer)) return undefined;
  spawnSync(process.execPath, [installer], {
    cwd: checkout,
    stdio: "ignore",
    timeout: electronDownloadMilliseconds,
    killSignal: "SIGKILL",
  });
  return installedElectron();
}

/** @returns {string | undefined} */
function installedElectron() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const folder = override ?? join(checkout, "node_modules/electron/dist");
  const names = [readPath(join(checkout, "node_modules/electron/path.txt")), "electron"];
  const found = names.map((name) => name && join(folder, name)).find((path) => path && existsSync(path));
  // Chromium does not protect itself when root runs it.
  return found && hasDisplay() && process.getuid?.() !== 0 ? found : undefined;
}

/** @param {string} path */
function readPath(path) {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function hasDisplay() {
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/**
 * Becomes the app, as far as one can: its output, its end, and the signals that are for it.
 * @param {string} file
 * @param {string[]} args
 */
function run(file, args) {
  const child = spawn(file, args, { stdio: "inherit" });
  // Ctrl-C reaches the app by itself, through the terminal; this process waits for it to end properly.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
