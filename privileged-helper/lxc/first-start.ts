import type { FirstStart } from "../contract/first-start.ts";
import { toProblem } from "../contract/problems.ts";
import { operationVariable } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { installPackages } from "./install-packages.ts";
import { makeUser } from "./make-user.ts";
import { killMarked } from "./recover.ts";
import { runInside, type Step } from "./run-inside.ts";
import { waitForNetwork, waitForSystem } from "./wait-inside.ts";

const stepTexts: Record<Step, { doing: string; cutOff: string }> = {
  packages: { doing: "Installing packages", cutOff: "its packages were installed" },
  user: { doing: "Making its user", cutOff: "its user was made" },
  command: { doing: "Running the command", cutOff: "the command ran" },
};

/**
 * Does what was asked for in a container that has just been started. All of it is done by its own programs: we open none of its files,
 * so no link in them could lead us anywhere.
 * @throws ProblemError `first-start-failed`, `cancelled`: the container runs on.
 */
export async function setUp(context: OperationContext, name: string, { packages, user, command }: FirstStart): Promise<void> {
  const { lxcPath, journal, task } = context;
  const record = journal.begin({ lxcPath, kind: "first-start", name });
  const mark = record.environment[operationVariable] ?? "";
  let current: Step = packages ? "packages" : user ? "user" : "command";
  const inside = (step: Step) => {
    current = step;
    return runInside(context, name, step, mark);
  };
  const begin = (step: Step) => {
    task.step(stepTexts[step].doing);
    return inside(step);
  };
  try {
    await inside(current).requireShell();
    await waitForSystem(context, name, inside(current));
    if (packages) {
      await waitForNetwork(context, name, inside("packages"));
      await installPackages(begin("packages"), packages);
    }
    if (user) await makeUser(begin("user"), user);
    if (command !== undefined) await begin("command").run(["/bin/sh", "-c", command]);
  } catch (thrown) {
    const problem = toProblem(thrown);
    const isCancelled = problem.code === "cancelled";
    // What has left the group of its command goes on by itself.
    if (isCancelled || (problem.code === "first-start-failed" && problem.reason === "timed-out")) await killMarked(mark);
    if (isCancelled) task.notice(`Cancelled while ${stepTexts[current].cutOff}. The container is kept, and runs on.`);
    throw thrown;
  } finally {
    record.finish();
  }
}
