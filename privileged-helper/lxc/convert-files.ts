import { ProblemError } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import type { ConvertReport, ConvertRequest } from "./convert-owners.ts";
import { ownProgram } from "./own-program.ts";
import { failure, run, toolPath } from "./run.ts";

const timeoutSeconds = 6 * 3600;

/** @throws ProblemError `tool-missing`. */
export function toolsOfConversion(): ConvertRequest["tools"] {
  return { find: toolPath("find"), chown: toolPath("chown"), getfattr: toolPath("getfattr"), setfattr: toolPath("setfattr") };
}

/**
 * How many files a conversion would give to other ids. Nothing is changed.
 * @throws ProblemError `not-supported` where some have ids that are none of the container's.
 */
export async function countFiles(shift: Pick<ConvertRequest, "folders" | "from" | "to">, signal: TaskContext["signal"]): Promise<number> {
  let counted = 0;
  await runConvertOwners({ ...shift, mode: "look", manifest: "" }, { signal }, (report) => {
    if ("counted" in report) counted = report.counted;
  });
  return counted;
}

/**
 * Gives files to other ids, or takes back what was cut short of that.
 * @throws ProblemError `not-supported` before the first change; `command-failed`, `cancelled`, and then it is to be taken back.
 */
export async function convertFiles(task: TaskContext, request: Omit<ConvertRequest, "tools">): Promise<void> {
  const doing = request.mode === "return" ? "Giving its files back" : "Giving its files to other ids";
  let counted = 0;
  task.step("Looking at its files");
  await runConvertOwners(request, task, (report) => {
    if ("counted" in report) {
      counted = report.counted;
      task.step(`${doing}: ${counted} files`, 0);
    } else if ("done" in report) task.step(`${doing}: ${report.done} of ${counted} files`, counted === 0 ? 1 : report.done / counted);
  });
  const { first, count } = request.to;
  task.output(`${counted} files now belong to ids ${first} to ${first + count - 1}.\n`);
}

async function runConvertOwners(
  request: Omit<ConvertRequest, "tools">,
  { signal, environment = {} }: Pick<TaskContext, "signal" | "environment">,
  onReport: (report: ConvertReport) => void,
): Promise<void> {
  const args = [...ownProgram("convert-owners"), JSON.stringify({ ...request, tools: toolsOfConversion() } satisfies ConvertRequest)];
  let rest = "";
  let refused: string | undefined;
  const { exitCode, output } = await run("node", args, {
    signal,
    environment,
    timeoutSeconds,
    allowExitCodes: "any",
    onOutput(text) {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!line.startsWith("{")) continue;
        const report = JSON.parse(line) as ConvertReport;
        if ("refused" in report) refused = report.refused;
        else onReport(report);
      }
    },
  });
  if (refused !== undefined) throw new ProblemError({ code: "not-supported", what: refused });
  if (exitCode !== 0) throw new ProblemError(failure(["convert-owners", ...request.folders.map(({ path }) => path)], output, exitCode));
}
