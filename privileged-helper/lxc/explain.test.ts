import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explainOutput } from "./explain.ts";

const folder = `${import.meta.dirname}/testdata/explain`;
const recorded = (name: string) => readFileSync(`${folder}/${name}.txt`, "utf8");

/** What a person must find in the sentence, for each recorded failure. */
const expected: Record<string, RegExp> = {
  "already-exists": /^A container of this name exists already\.$/,
  "busybox-missing": /busybox is not installed/,
  "config-invalid": /a key that LXC does not know: lxc\.nonsense\.$/,
  "config-missing": /^The container has no configuration file\.$/,
  "debootstrap-mirror": /^The packages of the distribution could not be downloaded\./,
  "download-failed": /^Nothing could be downloaded from https:\/\/images\.linuxcontainers\.org\./,
  "has-clones": /^Other containers are clones of it/,
  "include-missing": /includes a file that is not there: \/nonexistent\.conf\.$/,
  "mirror-unreachable": /^The mirror has no release bookworm, or it cannot be reached\.$/,
  "no-space-folder": /^The disk is full\./,
  "no-space-template": /^The disk is full\./,
  "not-running": /^The container is not running\.$/,
  running: /^The container is running\.$/,
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

  it("says nothing rather than something wrong", () => {
    expect(explainOutput("")).toBeUndefined();
    expect(explainOutput("lxc-start: web: something that nobody has seen before")).toBeUndefined();
  });

  it("quotes only so much", () => {
    expect(explainOutput(`bad template: ${"x".repeat(10_000)}`)?.length).toBeLessThan(300);
  });
});
