import { type FirstStart, firstStartSteps } from "../contract/first-start.ts";
import { toProblem } from "../contract/problems.ts";
import { operationVariable } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { installPackages } from "./install-packages.ts";
import { makeUser } from "./make-user.ts";
import { killMarked } from "./recover.ts";
import { type Inside, runInside, type Step } from "./run-inside.ts";
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
  const tell = (step: Step) => context.task.step(stepTexts[step].doing);
  const works: Record<Step, ((inside: Inside) => Promise<void>) | undefined> = {
    packages:
      packages &&
      ((inside) =>
        installPackages(inside, packages, async () => {
          await waitForNetwork(context, name, inside);
          tell("packages");
        })),
    user: user && ((inside) => makeUser(inside, user)),
    command: command === undefined ? undefined : (inside) => inside.run(["/bin/sh", "-c", command]),
  };
  let isUp = false;
  for (const step of firstStartSteps) {
    const work = works[step];
    if (!work) continue;
    await endingAlone(context, name, step, async (inside) => {
      if (!isUp) {
        await inside.requireShell();
        await waitForSystem(context, name, inside);
        isUp = true;
      }
      tell(step);
      await work(inside);
    });
  }
}

/** Does a step so that nothing goes on of it where it is cut off. What a step before it has started, a service for one, is not touched. */
async function endingAlone(context: OperationContext, name: string, step: Step, work: (inside: Inside) => Promise<void>): Promise<void> {
  const { lxcPath, journal, task } = context;
  const record = journal.begin({ lxcPath, kind: "first-start", name });
  const mark = record.environment[operationVariable] ?? "";
  try {
    await work(runInside(context, name, step, mark));
  } catch (thrown) {
    const problem = toProblem(thrown);
    const isCancelled = problem.code === "cancelled";
    // What has left the group of its command goes on by itself.
    if (isCancelled || (problem.code === "first-start-failed" && problem.reason === "timed-out")) await killMarked(mark);
    if (isCancelled) task.notice(`Cancelled while ${stepTexts[step].cutOff}. The container is kept, and runs on.`);
    throw thrown;
  } finally {
    record.finish();
  }
}
