import type { MethodName, ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { Task } from "../../../privileged-helper/contract/model.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { openDialog } from "../../state/dialogs.ts";
import { hideStartProblem, showProblem } from "../../ui/toasts.tsx";

/**
 * Asks once more for what a task was asked for; whoever answers parses it as if it were new. What could lose something is asked about
 * again.
 */
export async function retryTask(client: Client, task: Task): Promise<void> {
  const { kind, target, request, form } = task;
  // Something has to be given again: a file, a password.
  if (form) return openDialog({ type: "create", again: form });
  if (!request) return;
  if (kind === "destroy") return openDialog({ type: "destroy", name: target });
  if (kind === "force-stop") return openDialog({ type: "force-stop", name: target });
  if (kind === "try") {
    const { source } = request.params as ParamsInputOf<"containers.try">;
    return openDialog({ type: "try", source, title: source.type === "clone" ? source.from : "the image" });
  }
  hideStartProblem(target);
  try {
    await client.call(request.method as MethodName, request.params as ParamsInputOf<MethodName>);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "timed-out" && (kind === "stop" || kind === "restart")) {
      openDialog({ type: "still-running", name: target, seconds: problem.seconds });
    } else {
      showProblem(error, () => retryTask(client, task));
    }
  }
}
