import { describe, expect, it } from "vitest";
import { problem } from "../../privileged-helper/contract/problem-schema.ts";
import type { Problem, ProblemCode } from "../../privileged-helper/contract/problems.ts";
import { explainProblem } from "./problem.ts";

/** One of each; complete by type. */
const examples: { [C in ProblemCode]: Extract<Problem, { code: C }> } = {
  "auth-dismissed": { code: "auth-dismissed", action: "full" },
  "auth-failed": { code: "auth-failed", action: "full" },
  "auth-denied": { code: "auth-denied", action: "create" },
  "no-polkit-agent": { code: "no-polkit-agent", action: "full" },
  "polkit-unavailable": { code: "polkit-unavailable", detail: "no answer" },
  "helper-missing": { code: "helper-missing", path: "/usr/lib/lxc-desktop/launch", installedAs: { kind: "checkout" } },
  "helper-unsafe": { code: "helper-unsafe", detail: "/usr/lib/lxc-desktop can be written by others", installedAs: { kind: "checkout" } },
  "helper-lost": { code: "helper-lost", detail: "ended by SIGKILL" },
  "version-mismatch": { code: "version-mismatch", app: "1.2.0", helper: "1.1.0", installedAs: { kind: "checkout" } },
  "lxc-missing": { code: "lxc-missing", tool: "lxc-start" },
  "tool-missing": { code: "tool-missing", tool: "debootstrap", neededFor: "the Debian template" },
  locked: { code: "locked" },
  "invalid-request": { code: "invalid-request", issues: [{ path: "name", message: "not a host name" }] },
  "not-found": { code: "not-found", what: "container web" },
  "already-exists": { code: "already-exists", name: "web" },
  "wrong-state": { code: "wrong-state", name: "web", state: "running", needed: "It has to be stopped." },
  "has-clones": { code: "has-clones", name: "web", clones: ["a", "b"] },
  "not-supported": { code: "not-supported", what: "Overlay needs a kernel that has it." },
  "fix-taken-back": { code: "fix-taken-back", name: "web", reason: "did-not-start", runsAgain: true, detail: "exit 1" },
  "no-space": { code: "no-space", path: "/var/lib/lxc", availableBytes: 1024, neededBytes: 4096 },
  busy: { code: "busy", name: "web", operation: "stop" },
  "too-many-requests": { code: "too-many-requests", limit: 64 },
  "command-failed": {
    code: "command-failed",
    summary: "The network bridge is missing.",
    argv: ["lxc-start", "-n", "a b"],
    exitCode: 1,
    output: "no lxcbr0\n",
  },
  "first-start-failed": {
    code: "first-start-failed",
    name: "web",
    step: "command",
    reason: "command-failed",
    command: { argv: ["lxc-attach", "-n", "web", "--", "/bin/sh", "-c", "false"], exitCode: 1, output: "no\n" },
  },
  "start-failed": {
    code: "start-failed",
    name: "web",
    cause: { id: "bridge-missing", link: "lxcbr9" },
    fix: { kind: "container", removes: ["lxc.net.0.link = lxcbr9"], adds: ["lxc.net.0.link = lxcbr0"], commands: [], effect: "none" },
    argv: ["lxc-start", "-n", "web"],
    exitCode: 1,
    output: "no bridge\n",
  },
  "download-failed": {
    code: "download-failed",
    url: "https://images.example.org/x",
    reason: "stalled",
    detail: "Nothing came for 30 seconds.",
  },
  "archive-refused": { code: "archive-refused", entry: "../../etc/passwd", reason: "name-climbs-out" },
  "image-in-use": { code: "image-in-use", image: "Alpine 3.22", containers: ["a", "b"] },
  "file-unreadable": { code: "file-unreadable", name: "rootfs.tar" },
  "timed-out": { code: "timed-out", what: "Shutting down web", seconds: 30 },
  cancelled: { code: "cancelled" },
  interrupted: { code: "interrupted", hadBegun: true },
  internal: { code: "internal", detail: "x is not a function" },
};

describe("every problem", () => {
  it("of the contract has an example here", () => {
    expect(Object.keys(examples).sort()).toEqual(problem.options.map(({ shape }) => shape.code.value).sort());
  });

  it.each(Object.values(examples))("$code is a title and whole sentences, with no code in them", (example) => {
    const { title, body, remedies } = explainProblem(example);
    expect(title).toMatch(/^\S.*[^.]$/);
    expect(body).toMatch(/^\S.*\.$/);
    expect(`${title} ${body}`).not.toMatch(/undefined|\[object|auth-|helper-|command-failed|wrong-state/);
    for (const { label } of remedies) expect(label).toMatch(/^[A-Z]/);
    expect(new Set(remedies.map(({ label }) => label)).size).toBe(remedies.length);
  });

  it.each([
    "auth-dismissed",
    "auth-failed",
    "auth-denied",
    "no-polkit-agent",
    "polkit-unavailable",
    "helper-missing",
    "helper-unsafe",
    "helper-lost",
    "version-mismatch",
    "lxc-missing",
    "locked",
  ] as const)("that keeps the app from working (%s) can be tried again", (code) => {
    expect(explainProblem(examples[code]).remedies.some(({ type }) => type === "retry" || type === "connect")).toBe(true);
  });
});

it("a download that failed says in words why, and can be tried again", () => {
  const { reason } =
    problem.options.flatMap(({ shape }) => (shape.code.value === "download-failed" && "url" in shape ? [shape] : []))[0] ?? {};
  expect(reason?.options).toContain("wrong-checksum");
  for (const each of reason?.options ?? []) {
    const { title, body, remedies, details } = explainProblem({ ...examples["download-failed"], reason: each });
    expect(title, each).toMatch(/^The .*[^.]$/);
    expect(body, each).toMatch(/^[A-Z].*\.$/);
    expect(remedies.map(({ type }) => type)).toEqual(["retry"]);
    expect(details).toContain("https://images.example.org/x");
  }
});

it("an archive that is refused says in words why, and names the entry on demand", () => {
  const { reason } = problem.options.flatMap(({ shape }) => ("entry" in shape ? [shape] : []))[0] ?? {};
  expect(reason?.options).toContain("link-climbs-out");
  for (const each of reason?.options ?? []) {
    const { body, details } = explainProblem({ ...examples["archive-refused"], reason: each });
    expect(body, each).toMatch(/^(It|A) [^.]*\. Nothing of it was kept\.$/);
    expect(details).toBe("../../etc/passwd");
  }
});

it("an image that containers lie on says which", () => {
  expect(explainProblem(examples["image-in-use"]).title).toBe("Alpine 3.22 is needed by a and b");
});

it("a failed command shows what was run, what it printed and how it ended, on demand only", () => {
  const { body, details } = explainProblem(examples["command-failed"]);
  expect(body).toBe("The network bridge is missing.");
  expect(details).toBe("$ lxc-start -n 'a b'\nno lxcbr0\nExit code 1.");
});

it("a command that was killed names the signal instead of an exit code", () => {
  expect(explainProblem({ ...examples["command-failed"], exitCode: undefined, signal: "SIGKILL" }).details).toMatch(/Ended by SIGKILL\.$/);
});

it("a container that others are cloned from says which", () => {
  expect(explainProblem(examples["has-clones"]).title).toBe("web is needed by a and b");
});

it.each(["helper-missing", "helper-unsafe", "version-mismatch"] as const)("outside a checkout nobody is told to run npm (%s)", (code) => {
  for (const kind of ["package", "appimage"] as const) {
    const { body, remedies } = explainProblem({ ...examples[code], installedAs: { kind } });
    expect(`${body} ${JSON.stringify(remedies)}`).not.toContain("npm");
    expect(body).toContain(kind === "appimage" ? "lxc-desktop-helper" : "LXC Desktop");
  }
});

it("an AppImage offers the package that it carries, copied by its user to where root can read it", () => {
  const helperPackage = "/tmp/.mount_LXC D/resources/lxc-desktop-helper_1.2.0_amd64.deb";
  const { remedies } = explainProblem({ ...examples["helper-missing"], installedAs: { kind: "appimage", helperPackage } });
  expect(remedies).toContainEqual({
    type: "copy",
    label: "Copy the command",
    text: "cp '/tmp/.mount_LXC D/resources/lxc-desktop-helper_1.2.0_amd64.deb' ~/ && sudo apt-get install ~/lxc-desktop-helper_1.2.0_amd64.deb",
  });
});
