import { captureInside } from "./ssh.mjs";

/** Whatever belongs to LXC and to people, with its size, owner, mode and time; the clock of a folder moves when LXC looks into it. */
const lxcData =
  "find /var/lib/lxc -printf '%p %s %u %g %m %T@\\n' | sort; cat /etc/subuid /etc/subgid; ls -l /home/*/.config/lxc-desktop 2>&1";
/** What the packages and the helper put on the machine. */
const ours =
  "ls -d /usr/lib/lxc-desktop /usr/share/lxc-desktop /usr/bin/lxc-desktop /usr/share/polkit-1/actions/org.lxcdesktop.policy 2>/dev/null";
const container = "kept";

/**
 * Removes and purges the packages, while there is a container that was made with them.
 * @param {import("./ssh.mjs").Address} address
 * @param {string} label before each line of the output
 * @returns {Promise<import("../host/suites.mjs").Results>}
 */
export async function checkRemoval(address, label) {
  /** @type {import("../host/suites.mjs").Results} */
  const results = { passed: 0, failed: [], skipped: [] };
  const run = (/** @type {string} */ script) => captureInside(address, "root", ["sh", "-c", script]);
  /**
   * @param {string} name
   * @param {string | undefined} wrong
   */
  const judge = (name, wrong) => {
    if (wrong === undefined) results.passed++;
    else results.failed.push(`${name}: ${wrong}`);
    console.log(`${label}${wrong === undefined ? `passed: ${name}` : `failed: ${name}: ${wrong}`}`);
  };

  await run(`lxc-stop -k -n ${container}`);
  const before = (await run(lxcData)).output;
  judge(
    "there is something that could get lost",
    before.includes(`/var/lib/lxc/${container}/rootfs/root/note`) ? undefined : before.slice(-500),
  );
  for (const [word, option] of [
    ["removing", "-r"],
    ["purging", "-P"],
  ]) {
    const { exitCode, output } = await run(`dpkg ${option} lxc-desktop lxc-desktop-helper`);
    judge(`${word} the packages succeeds`, exitCode === 0 ? undefined : output);
    const after = (await run(lxcData)).output;
    judge(`${word} them leaves LXC's own data as they were`, after === before ? undefined : difference(before, after));
  }
  const left = (await run(ours)).output.trim();
  judge("nothing of the packages is left", left === "" ? undefined : left);
  const { exitCode, output } = await run(`lxc-start -n ${container} && lxc-attach -n ${container} -- cat /root/note`);
  judge("plain LXC still runs the container", exitCode === 0 && output.includes("still here") ? undefined : output);
  return results;
}

/**
 * @param {string} before
 * @param {string} after
 */
function difference(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ]
    .slice(0, 20)
    .join("\n");
}
