import type { FirstStart } from "../../../privileged-helper/contract/first-start.ts";
import type { ContainersOfArchive } from "../../../privileged-helper/contract/model.ts";
import { ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { copyOciFile, forgetOciFile } from "../../backend/oci-file.ts";
import { sendFileFor } from "../../backend/upload.ts";
import { openDialog } from "../../state/dialogs.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";
import { type CreateRequest, formOf, namesIn, referenceIn } from "./create-form.ts";

/**
 * Asks for new containers, all at once, and tells how each of them went.
 * @param open Shows a container.
 */
export async function submitCreate(client: Client, requests: readonly CreateRequest[], open: (name: string) => void): Promise<void> {
  const made = (await Promise.all(requests.map((request) => attempt(client, request, open)))).flat();
  const copies = requests.flatMap((request) => (request.method === "oci.create" ? (request.file?.copy?.channel ?? []) : []));
  for (const channel of new Set(copies)) forgetOciFile(client, channel);
  const [first, last] = [made[0], made.at(-1)];
  if (first === undefined || last === undefined) return;
  const how = requests[0]?.params.start ? "running" : "ready";
  if (first === last) showDone(`${first} is ${how}.`, { label: "Open", run: () => open(first) });
  else showDone(`${made.length} containers are ${how}: ${first} to ${last}.`);
}

type Failure = { name: string; error: unknown /** What is asked for to try it again. */; again: CreateRequest };

/** @returns The names of what was made, and runs if it should; of all others it is shown why not. */
async function attempt(client: Client, request: CreateRequest, open: (name: string) => void): Promise<string[]> {
  const names = namesIn(request);
  const failures = await perform(client, request).catch((error: unknown) => [{ name: names[0] ?? "", error, again: request }]);
  for (const { name, error, again } of failures) {
    const { code } = toProblem(error);
    const { firstStart } = again.params;
    // Where it was made it is kept: then only what came after that is tried again.
    showProblem(error, () => {
      if (code === "start-failed") return performAction(client, "start", name);
      if (code === "first-start-failed" && firstStart) return setUp(client, name, firstStart);
      const form = code === "file-unreadable" ? formOf(again) : undefined;
      if (form) return openDialog({ type: "create", again: form });
      return submitCreate(client, [onceMore(again)], open);
    });
  }
  if (failures.some(({ again }) => again === request)) return [];
  return names.filter((name) => !failures.some((failure) => failure.name === name));
}

async function setUp(client: Client, name: string, firstStart: FirstStart): Promise<void> {
  try {
    await client.call("containers.firstStart", { name, firstStart });
    showDone(`${name} is set up.`);
  } catch (error) {
    showProblem(error, () => setUp(client, name, firstStart));
  }
}

/** @returns What has failed of several. @throws ProblemError Where all has. */
async function perform(client: Client, request: CreateRequest): Promise<Failure[]> {
  if (request.method === "archives.create") {
    const { image, failed } = await createOfArchive(client, request);
    const { names: _, ...common } = request.params;
    // The archive is a ready image by now, and is not sent again.
    const source = { type: "image" as const, image };
    return failed.map(({ name, problem }) => ({
      name,
      error: new ProblemError(problem),
      again: { method: "containers.create", params: { ...common, name, source } },
    }));
  }
  if (request.method === "containers.create") await client.call(request.method, request.params);
  else if (request.method === "oci.create") await createOfOci(client, request);
  else await client.call(request.method, request.params);
  return [];
}

type OfArchive = Extract<CreateRequest, { method: "archives.create" }>;

async function createOfArchive(client: Client, { title, file, params }: OfArchive): Promise<ContainersOfArchive> {
  const { channel } = await client.call("archives.open", { title, bytes: file.size });
  return sendFileFor(client, file, { channel }, (signal) => client.call("archives.create", { ...params, channel }, { signal }));
}

type OfOci = Extract<CreateRequest, { method: "oci.create" }>;

async function createOfOci(client: Client, { params, file }: OfOci): Promise<void> {
  if (!file || file.copy) return client.call("oci.create", params);
  const copy = await copyOciFile(client, file.file);
  try {
    await client.call("oci.create", { ...params, reference: referenceIn({ ...file, copy }) });
  } finally {
    forgetOciFile(client, copy.channel);
  }
}

/** What is left of it is asked for: no copy is left. */
function onceMore(request: CreateRequest): CreateRequest {
  return request.method === "oci.create" && request.file ? { ...request, file: { ...request.file, copy: undefined } } : request;
}
