import { chownSync, closeSync, openSync, readSync } from "node:fs";
import type { ParamsOf } from "../contract/methods.ts";
import { problem as problemSchema } from "../contract/problem-schema.ts";
import { ProblemError } from "../contract/problems.ts";
import type { Upload, Uploads } from "../uploads.ts";
import type { OperationContext, TaskContext } from "./context.ts";
import { bytesOnDisk } from "./copy-files.ts";
import { freeBytes } from "./folder.ts";
import { allocateIds } from "./idmap.ts";
import { makeImageFolder } from "./image-folder.ts";
import { parseMetadata } from "./image-metadata.ts";
import type { ArchiveFile, Unpacked, UnpackReport, UnpackRequest } from "./image-unpack.ts";
import { ownProgram } from "./own-program.ts";
import { run, type ToolName, toolPath } from "./run.ts";

export type ImportParams = ParamsOf<"images.import">;

const unpackTimeoutSeconds = 6 * 3600;

/**
 * Makes an image of archives that were uploaded; these are used up, whatever comes of it.
 * @param id Its own, which nothing else has.
 * @throws ProblemError `archive-refused`, `no-space`, `tool-missing`, `cancelled`, ...
 */
export async function importImage(context: OperationContext, uploads: Uploads, id: string, params: ImportParams): Promise<void> {
  const { images, task } = context;
  const { title, origin, sha256, unprivileged, image, manifest, application } = params;
  const taken: Upload[] = [];
  const take = async (channel: number, expected: string | undefined) => {
    const upload = await uploads.take(channel);
    taken.push(upload);
    if (upload.sha256 !== expected) throw new ProblemError({ code: "archive-refused", entry: "", reason: "wrong-checksum" });
    return upload;
  };
  let release = () => {};
  try {
    const rootfs = await take(params.rootfs, sha256.rootfs);
    const meta = params.meta === undefined ? undefined : await take(params.meta, sha256.meta);
    const archive = archiveOf(rootfs);
    const metaArchive = meta && archiveOf(meta);
    const place = makeImageFolder(context, id);
    const ids = unprivileged ? await allocateIds(context) : undefined;
    if (ids) {
      release = ids.release;
      chownSync(place.rootfs, ids.range.first, ids.range.first);
    }
    task.step("Unpacking the files");
    const { notices, metadata } = await unpack(task, {
      rootfs: archive,
      ...(metaArchive && { meta: metaArchive }),
      unpack: unpackCommand(place.rootfs),
      policy: { origin, maxBytes: freeBytes(place.folder), folder: images.folder, ...(ids && { ids: ids.range }) },
    });
    for (const notice of notices) task.output(`${notice}\n`);
    const { distribution, initCommand, templates } = parseMetadata(metadata);
    images.finish({
      id,
      title,
      origin,
      unprivileged,
      bytes: await bytesOnDisk(task, place.rootfs),
      createdAt: Date.now(),
      sha256: sha256.rootfs,
      ...(image !== undefined && { image }),
      ...(manifest !== undefined && { manifest }),
      ...(application && { application }),
      ...(ids && { ids: ids.range }),
      ...(distribution !== undefined && { distribution }),
      templates,
      settings: initCommand === undefined ? [] : [["lxc.init.cmd", initCommand]],
    });
  } finally {
    release();
    for (const { remove } of taken) remove();
  }
}

/** Programs by what an archive begins with (magic(5)). */
const decompressors: [magic: string, tool: ToolName, args: string[]][] = [
  ["\x1f\x8b", "gzip", ["--decompress", "--stdout"]],
  ["\xfd7zXZ\0", "xz", ["--decompress", "--stdout", "--memlimit-decompress=512MiB"]],
  ["\x28\xb5\x2f\xfd", "zstd", ["--decompress", "--stdout", "--quiet"]],
];

function archiveOf({ path }: Upload): ArchiveFile {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(6);
    const start = bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0));
    const [, tool, args = []] = decompressors.find(([magic]) => start.startsWith(magic)) ?? [];
    return tool === undefined ? { path } : { path, decompress: [toolPath(tool), ...args] };
  } finally {
    closeSync(file);
  }
}

function unpackCommand(rootfs: string): string[] {
  const attributes = ["--xattrs", "--xattrs-include=*"];
  return [toolPath("tar"), "--extract", `--directory=${rootfs}`, "--numeric-owner", "--same-owner", "--same-permissions", ...attributes];
}

/** @throws ProblemError What the process that unpacks says. */
async function unpack(task: TaskContext, request: UnpackRequest): Promise<Unpacked> {
  for (const [program = "", ...args] of [request.rootfs.decompress ?? [], request.unpack]) {
    if (program !== "") task.command([program, ...args]);
  }
  let unpacked: Unpacked | undefined;
  let problem: unknown;
  const onLine = (line: string) => {
    const report = parseReport(line);
    if (report === undefined) task.output(`${line}\n`);
    else if ("fraction" in report) task.step("Unpacking the files", report.fraction);
    else if ("unpacked" in report) unpacked = report.unpacked;
    else problem = report.problem;
  };
  let rest = "";
  const { output } = await run("node", [...ownProgram("image-unpack"), JSON.stringify(request)], {
    signal: task.signal,
    environment: task.environment ?? {},
    timeoutSeconds: unpackTimeoutSeconds,
    allowExitCodes: "any",
    onOutput(text) {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onLine(line);
    },
  });
  if (problem !== undefined) throw new ProblemError(problemSchema.parse(problem));
  if (!unpacked) throw new Error(`unpacking ended without an answer: ${output.slice(-1000)}`);
  return unpacked;
}

/** Its lines are JSON; programs that it runs print others. */
function parseReport(line: string): UnpackReport | undefined {
  try {
    return line.startsWith("{") ? (JSON.parse(line) as UnpackReport) : undefined;
  } catch {
    return undefined;
  }
}
