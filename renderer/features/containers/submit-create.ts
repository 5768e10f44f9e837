import type { FirstStart } from "../../../privileged-helper/contract/first-start.ts";
import { ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { sendFile } from "../../backend/upload.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";
import type { CreateRequest } from "./create-form.ts";

/**
 * Asks for new containers, all at once, and tells how each of them went.
 * @param open Shows a container.
 */
export async function submitCreate(client: Client, requests: readonly CreateRequest[], open: (name: string) => void): Promise<void> {
  const done = await Promise.all(requests.map((request) => attempt(client, request, open)));
  const made = requests.filter((_, index) => done[index]);
  const [first, last] = [made[0]?.params, made.at(-1)?.params];
  if (!first || !last) return;
  const how = first.start ? "running" : "ready";
  if (first === last) showDone(`${first.name} is ${how}.`, { label: "Open", run: () => open(first.name) });
  else showDone(`${made.length} containers are ${how}: ${first.name} to ${last.name}.`);
}

/** @returns False where it was not made, or does not run; then that is shown. */
async function attempt(client: Client, request: CreateRequest, open: (name: string) => void): Promise<boolean> {
  const { name } = request.params;
  try {
    await perform(client, request);
    return true;
  } catch (error) {
    const { code } = toProblem(error);
    const { firstStart } = request.params;
    // Where it was made it is kept: then only what came after that is tried again.
    showProblem(error, () => {
      if (code === "start-failed") return performAction(client, "start", name);
      if (code === "first-start-failed" && firstStart) return setUp(client, name, firstStart);
      return submitCreate(client, [request], open);
    });
    return false;
  }
}

async function setUp(client: Client, name: string, firstStart: FirstStart): Promise<void> {
  try {
    await client.call("containers.firstStart", { name, firstStart });
    showDone(`${name} is set up.`);
  } catch (error) {
    showProblem(error, () => setUp(client, name, firstStart));
  }
}

async function perform(client: Client, request: CreateRequest): Promise<void> {
  if (request.method === "containers.create") return client.call(request.method, request.params);
  if (request.method === "catalog.create") return client.call(request.method, request.params);
  const { title, file, params } = request;
  const { channel } = await client.call("archives.open", { title, bytes: file.size });
  const sending = new AbortController();
  const creating = new AbortController();
  let unreadable: unknown;
  const sent = sendFile(client, channel, file, sending.signal).catch((error: unknown) => {
    unreadable = error;
    creating.abort();
  });
  try {
    await client.call("archives.create", { ...params, channel }, { signal: creating.signal });
  } catch (error) {
    throw unreadable ? new ProblemError({ code: "file-unreadable", name: file.name.slice(0, 255) }) : error;
  } finally {
    sending.abort();
    await sent;
  }
}
