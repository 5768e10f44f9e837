import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Problem, ProblemError } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { run, toolPath } from "./run.ts";

const script = (code: string) => ["-e", code];

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const thrown = await promise.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof ProblemError)) throw thrown;
  return thrown.problem;
}

/** A process that only was not waited for yet is no longer alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function recordingTask(signal = new AbortController().signal) {
  const recorded = { commands: [] as string[][], output: "" };
  const task: TaskContext = {
    signal,
    environment: { LXC_DESKTOP_OPERATION: "1.2.3" },
    step: () => {},
    output: (text) => {
      recorded.output += text;
    },
    notice: () => {},
    command: (argv) => recorded.commands.push([...argv]),
    onUndo: () => {},
    critical: (work) => work(),
  };
  return { task, recorded };
}

/** Prints its child's number, then waits; the child ignores SIGTERM if told to. */
const parentAndChild = (childCode: string) => `
  const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(childCode)}], { stdio: ["ignore", "inherit", "inherit"] });
  setInterval(() => {}, 1000);
`;

describe("running a tool", () => {
  it("gives what it printed", async () => {
    const result = await run("node", script(`console.log("one"); console.error("two")`));
    expect(result.exitCode).toBe(0);
    expect(result.output.split("\n").sort()).toEqual(["", "one", "two"]);
  });

  it("lets what nobody waits for give way to everything else", async () => {
    const code = `
      const { execFileSync } = require("node:child_process");
      console.log(os.getPriority(), String(execFileSync("ionice", ["-p", process.pid])).trim());
    `;
    expect((await run("node", script(code), { givesWay: true })).output).toBe("19 idle\n");
    expect((await run("node", script(code))).output).toMatch(new RegExp(`^${getPriority()} `));
  });

  it("passes arguments as they are, without a shell", async () => {
    const hostile = "$(id) `id` ; | > ' \" \n *";
    const { output } = await run("node", ["-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--", hostile]);
    expect(JSON.parse(output)).toEqual([hostile]);
  });

  it("passes any text on byte for byte", async () => {
    const args = fc.sample(fc.string({ unit: "binary" }), 500).filter((one) => !one.includes("\0"));
    const { output } = await run("node", ["-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--", ...args]);
    expect(JSON.parse(output)).toEqual(args);
  });

  it("hands down none of its own variables", async () => {
    process.env.LXC_CACHE_PATH = "/somewhere";
    const { output } = await run("node", script("console.log(JSON.stringify(process.env))"), { environment: { EXTRA: "1" } });
    delete process.env.LXC_CACHE_PATH;
    expect(JSON.parse(output)).toEqual({ PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/root", EXTRA: "1" });
  });

  it("has no input and works in /", async () => {
    const { output } = await run("node", script(`console.log(process.cwd(), require("node:fs").readFileSync(0).length)`));
    expect(output).toBe("/ 0\n");
  });

  it("records the command in the task, streams the output there, and marks the process", async () => {
    const { task, recorded } = recordingTask();
    await run("node", script("console.log(process.env.LXC_DESKTOP_OPERATION)"), { task });
    expect(recorded.commands).toEqual([["node", "-e", "console.log(process.env.LXC_DESKTOP_OPERATION)"]]);
    expect(recorded.output).toBe("1.2.3\n");
  });

  it("joins a character that comes in two pieces", async () => {
    const pieces: string[] = [];
    const code = `process.stdout.write(Buffer.from([0xc3])); setTimeout(() => process.stdout.write(Buffer.from([0xa4])), 100)`;
    const { output } = await run("node", script(code), { onOutput: (text) => pieces.push(text) });
    expect(output).toBe("ä");
    expect(pieces).toEqual(["ä"]);
  });

  it("takes an exit code as an answer where that is allowed", async () => {
    expect((await run("node", script("process.exit(2)"), { allowExitCodes: [0, 2] })).exitCode).toBe(2);
    expect((await run("node", script("process.exit(77)"), { allowExitCodes: "any" })).exitCode).toBe(77);
  });

  it("fails with the command, the exit code and the end of the output", async () => {
    const code = `process.stdout.write("x".repeat(10000) + "the end"); process.exitCode = 3`;
    const problem = await problemOf(run("node", script(code)));
    expect(problem).toMatchObject({
      code: "command-failed",
      argv: ["node", "-e", code],
      exitCode: 3,
      summary: "node failed with exit code 3.",
    });
    if (problem.code !== "command-failed") return;
    expect(problem.output).toHaveLength(4096);
    expect(problem.output.endsWith("xthe end")).toBe(true);
  });

  it("keeps the end only of what never ends a line, however much that is", { timeout: 60_000 }, async () => {
    const megabytes = 32;
    const code = `const piece = "x".repeat(1024 * 1024); let left = ${megabytes};
      const write = () => (left-- > 0 ? process.stderr.write(piece, write) : process.stderr.write("the end", () => process.exit(3)));
      write();`;
    let received = 0;
    const { output } = await run("node", script(code), {
      allowExitCodes: "any",
      onOutput(text) {
        received += text.length;
      },
    });
    expect(received).toBe(megabytes * 1024 * 1024 + "the end".length);
    expect(output).toHaveLength(1024 * 1024);
    expect(output.endsWith("xthe end")).toBe(true);
  });

  it("tells its arguments as they may be shown, where one of them is a secret", async () => {
    const problem = await problemOf(run("node", ["-e", "process.exit(3)", "secret"], { shownArgs: ["-e", "process.exit(3)", "********"] }));
    expect(problem).toMatchObject({ code: "command-failed", argv: ["node", "-e", "process.exit(3)", "********"] });
  });

  it("says which signal ended it", async () => {
    const problem = await problemOf(run("node", script(`process.kill(process.pid, "SIGKILL")`)));
    expect(problem).toMatchObject({ code: "command-failed", signal: "SIGKILL", summary: "node was ended by SIGKILL." });
  });

  it("names the cause where the output shows it", async () => {
    const problem = await problemOf(run("node", script(`console.error("cp: error writing: No space left on device"); process.exit(1)`)));
    expect(problem).toMatchObject({ code: "command-failed", summary: "The disk is full. Free some space and try again." });
  });

  it("does not wait for those that it left behind with its output", async () => {
    const code = `require("node:child_process").spawn("/bin/sleep", ["20"], { detached: true, stdio: "inherit" }).unref(); console.log("done")`;
    const { output } = await run("node", script(code), { timeoutSeconds: 15 });
    expect(output).toBe("done\n");
  });
});

describe("ending a tool", () => {
  it("ends it and its children when it is cancelled", async () => {
    const controller = new AbortController();
    let child = 0;
    const running = run("node", script(parentAndChild(`console.log(process.pid); setInterval(() => {}, 1000)`)), {
      signal: controller.signal,
      onOutput(text) {
        child = Number(text);
        controller.abort();
      },
    });
    expect(await problemOf(running)).toEqual({ code: "cancelled" });
    expect(child).toBeGreaterThan(1);
    expect(isAlive(child)).toBe(false);
  });

  it("kills what does not end by itself", { timeout: 20_000 }, async () => {
    const controller = new AbortController();
    let child = 0;
    const stubborn = `process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000)`;
    const running = run("node", script(parentAndChild(stubborn)), {
      signal: controller.signal,
      onOutput(text) {
        child = Number(text);
        controller.abort();
      },
    });
    expect(await problemOf(running)).toEqual({ code: "cancelled" });
    expect(isAlive(child)).toBe(false);
  });

  it("ends its children, too, where somebody else has killed it alone", async () => {
    let child = 0;
    const running = run("node", script(parentAndChild(`console.log(process.pid); setInterval(() => {}, 1000)`)), {
      onOutput(text) {
        child = Number(text);
        process.kill(parentOf(child), "SIGKILL");
      },
    });
    expect(await problemOf(running)).toMatchObject({ code: "command-failed", signal: "SIGKILL" });
    expect(child).toBeGreaterThan(1);
    expect(isAlive(child)).toBe(false);
  });

  it("ends it when its time is over", async () => {
    const problem = await problemOf(run("node", script("setInterval(() => {}, 1000)"), { timeoutSeconds: 0.2 }));
    expect(problem).toEqual({ code: "timed-out", what: "node", seconds: 0.2 });
  });

  it("does not begin where it is cancelled already", async () => {
    const { task, recorded } = recordingTask(AbortSignal.abort());
    expect(await problemOf(run("node", script(""), { task }))).toEqual({ code: "cancelled" });
    expect(recorded.commands).toEqual([]);
  });
});

describe("finding a tool", () => {
  it("gives an absolute path in a folder of the system", () => {
    expect(toolPath("rm")).toMatch(/^\/(usr\/)?s?bin\/rm$/);
  });
});
