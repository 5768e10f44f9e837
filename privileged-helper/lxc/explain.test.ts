import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explainOutput } from "./explain.ts";

const folder = `${import.meta.dirname}/testdata/explain`;
const recorded = (name: string) => readFileSync(`${folder}/${name}.txt`, "utf8");

/** What a person must find in the sentence, for each recorded failure. */
const expected: Record<string, RegExp> = {
  "already-exists": /^A container of this name exists already\.$/,
  "already-running": /^Something already answers under this container's name\./,
  "bridge-missing": /^The network bridge lxcbr9 is not there\./,
  "busybox-missing": /busybox is not installed/,
  "cgroup-value": /the limit memory\.limit_in_bytes = nonsense/,
  "clone-base-missing": /cannot be used: \/var\/lib\/lxc\/base\/rootfs\.$/,
  "config-invalid": /a key that LXC does not know: lxc\.nonsense\.$/,
  "config-missing": /^The container has no configuration file\.$/,
  "debootstrap-mirror": /^The packages of the distribution could not be downloaded\./,
  "download-failed": /^Nothing could be downloaded from https:\/\/images\.linuxcontainers\.org\./,
  "has-clones": /^Other containers are clones of it/,
  "hook-failed": /failed: lxc\.hook\.pre-start\.$/,
  "idmap-not-allowed": /missing in \/etc\/subuid or \/etc\/subgid\.$/,
  "include-missing": /includes a file that is not there: \/nonexistent\.conf\.$/,
  "init-missing": /^The container has no program \/sbin\/init /,
  "mirror-unreachable": /^The mirror has no release bookworm, or it cannot be reached\.$/,
  "mount-source-missing": /^\/nonexistent\/source cannot be mounted at \/data in the container\./,
  "no-space-folder": /^The disk is full\./,
  "no-space-template": /^The disk is full\./,
  "not-running": /^The container is not running\.$/,
  "rootfs-missing": /not where its configuration says: \/var\/lib\/lxc\/web\/rootfs\.$/,
  running: /^The container is running\.$/,
  "socket-taken": /^Something already answers under this container's name\./,
  "template-missing": /^LXC has no template nonsense on this computer\.$/,
};

describe("explaining what a command printed", () => {
  it("has an expectation for every recorded failure", () => {
    expect(Object.keys(expected).sort()).toEqual(
      readdirSync(folder)
        .map((file) => file.replace(".txt", ""))
        .sort(),
    );
  });

  it.each(Object.entries(expected))("names the cause of %s", (name, sentence) => {
    expect(explainOutput(recorded(name))).toMatch(sentence);
  });

  it("speaks in sentences", () => {
    for (const name of Object.keys(expected)) expect(explainOutput(recorded(name))).toMatch(/^[A-Z/].*[.a-z]$/);
  });

  it("knows AppArmor without its parser, as LXC's apparmor.c words it", () => {
    const output =
      "lxc-start web 20260101000000.000 ERROR    apparmor - ../src/lxc/lsm/apparmor.c:apparmor_prepare:1061 - Cannot use generated profile: apparmor_parser not available";
    expect(explainOutput(output)).toMatch(/Install the package apparmor\.$/);
  });

  it("says nothing rather than something wrong", () => {
    expect(explainOutput("")).toBeUndefined();
    expect(explainOutput("lxc-start: web: something that nobody has seen before")).toBeUndefined();
  });

  it("quotes only so much", () => {
    expect(explainOutput(`bad template: ${"x".repeat(10_000)}`)?.length).toBeLessThan(300);
  });
});
