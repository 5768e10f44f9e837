/**
 * `npm run install-helper`: puts the part that runs as root where only root can change it, and tells polkit about it.
 * Everything is prepared in a folder beside its final place and renamed, so that an update is never half there.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkout, digestsOf, fail, helperHome, isRootsAlone, owningPackage, policyPath, runAsRoot } from "./installed-helper.mjs";

const script = fileURLToPath(import.meta.url);
const distributionNode = "/usr/bin/node";
/** Node's own promise to addons (Node-API) lets a newer one run the same helper; an older one lacks what it uses. */
const oldestNode = { major: 20, minor: 19 };
const polkitReloadMilliseconds = 5_000;

if (!existsSync(join(checkout, "dist/helper/main.cjs")) || !existsSync(join(checkout, "dist/version"))) buildApp();
if (process.getuid?.() !== 0) {
  console.log(`LXC needs root. This installs LXC Desktop's helper, owned by root:
  ${helperHome}/
  ${policyPath}
Nothing is started now; the app asks for your password when it needs the helper.`);
  runAsRoot(script);
}
refuseToReplacePackages();
installHome();
installPolicy();
console.log(`The helper is installed in ${helperHome}. Remove it with: npm run uninstall-helper`);

function buildApp() {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { cwd: checkout, stdio: "inherit" });
  if (status !== 0) fail("The app has to be built first, and that failed. Run: npm ci && npm run build");
}

function refuseToReplacePackages() {
  for (const path of [join(helperHome, "launch"), policyPath]) {
    const owner = existsSync(path) ? owningPackage(path) : undefined;
    if (owner) fail(`${path} belongs to a package of your distribution (${owner}). Update or remove that package instead.`);
  }
}

function installHome() {
  process.umask(0o022);
  const parent = dirname(helperHome);
  if (!isRootsAlone(parent)) fail(`${parent} can be changed by others than root, so nothing below it is safe. Nothing was installed.`);
  const staged = mkdtempSync(`${helperHome}.new-`);
  try {
    // Copied file by file and owned by whoever runs this, root: owners and modes of the checkout do not come along.
    cpSync(join(checkout, "dist/helper"), join(staged, "helper"), { recursive: true, dereference: true });
    cpSync(join(checkout, "assets/launch"), join(staged, "launch"));
    if (!canUseDistributionNode()) cpSync(realpathSync(process.execPath), join(staged, "node"));
    run("/usr/bin/chown", ["-R", "root:root", staged]);
    run("/usr/bin/chmod", ["-R", "u=rwX,go=rX", staged]);
    chmodSync(staged, 0o755);
    chmodSync(join(staged, "launch"), 0o755);
    const version = readFileSync(join(checkout, "dist/version"), "utf8").trim();
    writeFileSync(join(staged, "manifest.json"), `${JSON.stringify({ version, files: digestsOf(staged) }, undefined, 2)}\n`);

    const old = `${helperHome}.old-${process.pid}`;
    if (existsSync(helperHome)) renameSync(helperHome, old);
    renameSync(staged, helperHome);
    rmSync(old, { recursive: true, force: true });
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw error;
  }
}

/** The distribution's own Node gets its security updates by itself; a copy does not, so it is the second choice. */
function canUseDistributionNode() {
  if (!existsSync(distributionNode) || !isRootsAlone(realpathSync(distributionNode))) return false;
  const { stdout } = spawnSync(distributionNode, ["--version"], { encoding: "utf8" });
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(stdout) ?? [];
  return Number(major) > oldestNode.major || (Number(major) === oldestNode.major && Number(minor) >= oldestNode.minor);
}

/** polkit ignores a policy that it cannot read, and whoever asks for an unknown action is then never asked: so look. */
function installPolicy() {
  const source = readFileSync(join(checkout, "assets", basename(policyPath)), "utf8");
  mkdirSync(dirname(policyPath), { recursive: true });
  const before = existsSync(policyPath) ? readFileSync(policyPath, "utf8") : undefined;
  const staged = `${policyPath}.new`;
  writeFileSync(staged, source, { mode: 0o644 });
  renameSync(staged, policyPath);

  const wanted = defaultsIn(source);
  const deadline = Date.now() + polkitReloadMilliseconds;
  for (;;) {
    const { status, stdout } = spawnSync("/usr/bin/pkaction", ["--verbose"], { encoding: "utf8", env: { LANG: "C.UTF-8" } });
    if (status !== 0) {
      console.log(
        "polkit does not answer, so its view of the new policy could not be checked. The app needs polkit to ask for your password.",
      );
      return;
    }
    const known = new Set(defaultsKnownToPolkit(stdout));
    const missing = wanted.filter((action) => !known.has(action));
    if (missing.length === 0) return;
    if (Date.now() > deadline) {
      if (before === undefined) rmSync(policyPath);
      else writeFileSync(policyPath, before);
      fail(`polkit does not know these actions as we define them, so the policy was taken back:\n${missing.join("\n")}`);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

/**
 * Who may do what by default, as a policy says it.
 * @param {string} policy The policy's XML; it is ours, so its order is known.
 * @returns {string[]} One line per action.
 */
function defaultsIn(policy) {
  const actions = policy.matchAll(/<action id="([^"]+)">.*?<allow_any>(\w+)<.*?<allow_inactive>(\w+)<.*?<allow_active>(\w+)</gs);
  return [...actions].map(([, id, any, inactive, active]) => `${id}: ${any} ${inactive} ${active}`);
}

/**
 * The same, as polkit understood it.
 * @param {string} printed By `pkaction --verbose` (pkaction(1)).
 * @returns {string[]}
 */
function defaultsKnownToPolkit(printed) {
  const actions = printed.matchAll(/^(\S+):$.*?implicit any: +(\w+)$.*?implicit inactive: +(\w+)$.*?implicit active: +(\w+)$/gms);
  return [...actions].map(([, id, any, inactive, active]) => `${id}: ${any} ${inactive} ${active}`);
}

/**
 * @param {string} file
 * @param {string[]} args
 */
function run(file, args) {
  const { status, stderr } = spawnSync(file, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${file} failed: ${stderr}`);
}
