import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { imageTitle } from "../../../privileged-helper/contract/image-servers.ts";
import type { Download, ImageSignature, OfferedImage } from "../../../privileged-helper/contract/model.ts";
import { type Problem, ProblemError } from "../../../privileged-helper/contract/problems.ts";
import type { HostTaskContext, HostTasks } from "../host-tasks.ts";
import { parseChecksums } from "./checksums.ts";
import { downloadFile } from "./file-download.ts";
import { addressOf, type ImageFileName, imageFiles, storedImage } from "./image-files.ts";
import { createRate } from "./rate.ts";
import { downloadFailed, request, requestText } from "./request.ts";
import { checkSignature } from "./signature.ts";

/** A file of a downloaded image. Its hash was compared when it was written; whoever hands it on compares it again. */
export type DownloadedFile = { name: ImageFileName; path: string; bytes: number; sha256: string };

/** Images in a folder of the person's own, each a folder: `<id>` where all of it is here and right, `.<id>.<pid>` until then. */
export type Downloads = {
  /** Downloads an image, or goes on with one; at once where it is here. Asked for twice it is one download. */
  start(image: OfferedImage): Promise<Download>;
  list(): Promise<Download[]>;
  /** @throws ProblemError `busy` while it is being downloaded; `not-found`. */
  delete(id: string): Promise<void>;
  /** What a container can be made of. @throws ProblemError `not-found`. */
  files(id: string): Promise<{ image: OfferedImage; files: DownloadedFile[]; signature: ImageSignature }>;
  onChanged(listener: () => void): void;
  /** Settles when no download runs any more. */
  idle(): Promise<void>;
};

export type DownloadsOptions = {
  folder: string;
  tasks: HostTasks;
  /** A file of OpenPGP keys; undefined where none was chosen. */
  keyring: () => string | undefined;
  architecture: string;
  stallMilliseconds: number;
  pauseMilliseconds: number;
};

const atOnce = 3;
const maxTextBytes = 256 * 1024;
const tellEveryMilliseconds = 250;
const sumsFile = "SHA256SUMS";
const signatureFile = "SHA256SUMS.asc";
const recordFile = "image.json";
const folderName = /^(?:([0-9a-f]{32})|\.([0-9a-f]{32})\.(\d{1,10}))$/;

const partialRecord = z.object({ image: storedImage });
const completeRecord = partialRecord.extend({
  downloadedAt: z.number(),
  files: z
    .array(z.object({ name: z.enum(["meta.tar.xz", "rootfs.tar.xz"]), bytes: z.number(), sha256: z.string() }))
    .length(imageFiles.length),
  signature: z.custom<ImageSignature>((value) => typeof value === "object" && value !== null && "state" in value),
});

export function createDownloads(options: DownloadsOptions): Downloads {
  const { folder, tasks, architecture } = options;
  const running = new Map<string, { image: OfferedImage; ended: Promise<Download> }>();
  const taskIds = new Map<string, string>();
  const failed = new Map<string, { image: OfferedImage; problem: Problem }>();
  const takeTurn = createTurns(atOnce);
  let onChanged = () => {};

  const completeFolder = (id: string) => join(folder, id);
  const ownPartialFolder = (id: string) => join(folder, `.${id}.${process.pid}`);

  const describeComplete = async (id: string): Promise<Download | undefined> => {
    const record = await readRecord(completeFolder(id), completeRecord);
    if (!record) return undefined;
    const { image, downloadedAt, signature } = record;
    return { image, state: "downloaded", bytes: await bytesIn(completeFolder(id)), downloadedAt, signature };
  };

  const describePartial = async (name: string, id: string, pid: number): Promise<Download | undefined> => {
    const record = await readRecord(join(folder, name), partialRecord);
    if (!record) return undefined;
    const state = running.has(id) || isOfAnother(pid) ? "downloading" : "interrupted";
    const bytes = await bytesIn(join(folder, name));
    return {
      image: record.image,
      state,
      task: taskIds.get(id),
      bytes,
      problem: state === "interrupted" ? failed.get(id)?.problem : undefined,
    };
  };

  const list = async (): Promise<Download[]> => {
    const found = new Map<string, Download>();
    for (const [id, { image, problem }] of failed) found.set(id, { image, state: "interrupted", bytes: 0, problem });
    for (const [id, { image }] of running) found.set(id, { image, state: "downloading", task: taskIds.get(id), bytes: 0 });
    const complete: Download[] = [];
    for (const name of await namesIn(folder)) {
      const { id, pid } = readName(name);
      if (id === undefined) continue;
      const download = pid === undefined ? await describeComplete(id) : await describePartial(name, id, pid);
      if (download?.state === "downloaded") complete.push(download);
      else if (download) found.set(id, download);
    }
    // One that is here is here, whatever another window still does.
    for (const download of complete) found.set(download.image.id, download);
    return [...found.values()];
  };

  /** Takes what an earlier run of the app left of this image, or begins anew. */
  const openPartial = async (image: OfferedImage): Promise<string> => {
    const own = ownPartialFolder(image.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await namesIn(folder)) {
      const { id, pid } = readName(name);
      if (id !== image.id || pid === undefined || isOfAnother(pid) || existsSync(own)) continue;
      // Another window that wants the same has it then, and this one begins anew.
      await rename(join(folder, name), own).catch(() => {});
    }
    await mkdir(own, { recursive: true, mode: 0o700 });
    await writeRecord(own, { image });
    return own;
  };

  const work = async (image: OfferedImage, task: HostTaskContext): Promise<void> => {
    const partial = await openPartial(image);
    onChanged();
    try {
      await writeRecord(partial, await downloadInto(partial, image, task, options));
      await rename(partial, completeFolder(image.id)).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
        // Another window was faster.
        await rm(partial, { recursive: true });
      });
    } catch (error) {
      if (!(task.isEnding() || isWorthKeeping(error)) || !hasFiles(partial)) await rm(partial, { recursive: true, force: true });
      throw error;
    }
  };

  const download = async (image: OfferedImage): Promise<Download> => {
    const { id } = image;
    failed.delete(id);
    try {
      const request = { method: "downloads.start", params: { image: id } };
      await tasks.run("download", imageTitle(image, architecture), { request }, async (task) => {
        taskIds.set(id, task.id);
        onChanged();
        const giveBack = await takeTurn(task);
        try {
          await work(image, task);
        } finally {
          giveBack();
        }
      });
    } catch (error) {
      const { problem } = error as ProblemError;
      if (problem.code !== "cancelled") failed.set(id, { image, problem });
      throw error;
    } finally {
      running.delete(id);
      taskIds.delete(id);
      onChanged();
    }
    return requireComplete(await describeComplete(id));
  };

  return {
    async start(image) {
      const here = await describeComplete(image.id);
      if (here) return here;
      const underWay = running.get(image.id) ?? { image, ended: download(image) };
      running.set(image.id, underWay);
      return underWay.ended;
    },
    list,
    async delete(id) {
      const underWay = running.get(id);
      if (underWay) throw new ProblemError({ code: "busy", name: imageTitle(underWay.image, architecture), operation: "download" });
      const names = (await namesIn(folder)).filter((name) => {
        const { id: other, pid } = readName(name);
        return other === id && (pid === undefined || !isOfAnother(pid));
      });
      const wasFailed = failed.delete(id);
      if (names.length === 0 && !wasFailed) throw new ProblemError({ code: "not-found", what: "downloaded image of that name" });
      for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
      onChanged();
    },
    async files(id) {
      const { image, signature, files } = requireComplete(await readRecord(completeFolder(id), completeRecord));
      return { image, signature, files: files.map((file) => ({ ...file, path: join(completeFolder(id), file.name) })) };
    },
    onChanged(listener) {
      onChanged = listener;
    },
    async idle() {
      await Promise.allSettled([...running.values()].map(({ ended }) => ended));
    },
  };
}

async function downloadInto(
  folder: string,
  image: OfferedImage,
  task: HostTaskContext,
  { keyring, stallMilliseconds, pauseMilliseconds }: DownloadsOptions,
): Promise<z.infer<typeof completeRecord>> {
  const { signal } = task;
  const asking = { signal, stallMilliseconds };
  const readText = (file: string) => {
    task.output(`Reading ${addressOf(image, file)}\n`);
    return requestText(addressOf(image, file), maxTextBytes, asking);
  };
  task.step(`Asking ${new URL(image.server).host}`);
  const url = addressOf(image, sumsFile);
  const sums = await readText(sumsFile);
  if (sums === undefined) throw downloadFailed(url, "gone", "It has no checksums of this image.");
  const hashes = parseChecksums(sums);
  const signature = await checkSignature({
    signed: sums,
    url: addressOf(image, signatureFile),
    signature: await readText(signatureFile),
    keyring: keyring(),
    signal,
    onCommand: task.command,
  });
  task.output(`${signatureText(signature)}\n`);

  const progress = createProgress(task);
  for (const { name } of imageFiles) progress.setTotal(name, await lengthOf(addressOf(image, name), asking));
  const files: z.infer<typeof completeRecord>["files"] = [];
  for (const { name, maxBytes } of imageFiles) {
    const sha256 = hashes.get(name);
    if (sha256 === undefined) throw downloadFailed(url, "not-listed", `${name} is not among its checksums.`);
    task.output(`Reading ${addressOf(image, name)}\n`);
    const bytes = await downloadFile({
      url: addressOf(image, name),
      path: join(folder, name),
      sha256,
      maxBytes,
      signal,
      stallMilliseconds,
      pauseMilliseconds,
      onProgress(done, total) {
        if (total !== undefined) progress.setTotal(name, total);
        progress.setDone(name, done);
      },
      onNote: task.output,
    });
    task.output(`${name} has ${bytes} bytes and the right SHA-256, ${sha256}.\n`);
    files.push({ name, bytes, sha256 });
  }
  return { image, downloadedAt: Date.now(), files, signature };
}

/** How long a file is, so that the first progress is one of all; undefined where the server does not tell. */
async function lengthOf(address: URL, options: { signal: AbortSignal; stallMilliseconds: number }): Promise<number | undefined> {
  try {
    const { response } = await request(address, { ...options, method: "HEAD" });
    response.destroy();
    const length = Number(response.headers["content-length"]);
    return response.statusCode === 200 && Number.isSafeInteger(length) ? length : undefined;
  } catch {
    // Asking for the file itself will tell what is wrong.
    return undefined;
  }
}

/** Sums up the files, and tells of it a few times a second. */
function createProgress(task: HostTaskContext) {
  const totals = new Map<ImageFileName, number>();
  const done = new Map<ImageFileName, number>();
  const rate = createRate();
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    setTotal(name: ImageFileName, bytes: number | undefined) {
      if (bytes !== undefined) totals.set(name, bytes);
    },
    setDone(name: ImageFileName, bytes: number) {
      done.set(name, bytes);
      const now = performance.now();
      if (now - toldAt < tellEveryMilliseconds) return;
      toldAt = now;
      const total = totals.size === imageFiles.length ? sum(totals.values()) : undefined;
      const here = sum(done.values());
      task.step(rate.text(here, total, now), total === undefined || total === 0 ? undefined : Math.min(1, here / total));
    },
  };
}

function signatureText(signature: ImageSignature): string {
  if (signature.state === "good") return `The checksums are signed by ${signature.signer} (${signature.fingerprint}).`;
  if (signature.state === "none") return "The server signs nothing: only checksums are compared.";
  return {
    "no-keyring":
      "The checksums are signed, and no keyring was chosen in Settings to compare the signature with: only checksums are compared.",
    "unknown-key": "The checksums are signed with a key that is not in the keyring: only checksums are compared.",
    "no-gpg": "The checksums are signed, and gpg is not installed: only checksums are compared.",
  }[signature.reason];
}

/** After these there is nothing wrong with what is here already. */
function isWorthKeeping(error: unknown): boolean {
  const problem = error instanceof ProblemError ? error.problem : undefined;
  return problem?.code === "download-failed" && ["unreachable", "refused", "stalled", "broken-off"].includes(problem.reason);
}

function hasFiles(folder: string): boolean {
  return imageFiles.some(({ name }) => existsSync(join(folder, name)));
}

function readName(name: string): { id?: string; pid?: number } {
  const [, complete, partial, pid] = folderName.exec(name) ?? [];
  return { id: complete ?? partial, pid: pid === undefined ? undefined : Number(pid) };
}

/** True while another process of that number runs: another window of the app, that goes on with its own. */
function isOfAnother(pid: number): boolean {
  return pid !== process.pid && existsSync(`/proc/${pid}`);
}

async function readRecord<T>(folder: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(join(folder, recordFile), "utf8")));
  } catch {
    return undefined;
  }
}

async function writeRecord(folder: string, record: object) {
  const staged = join(folder, `${recordFile}.new`);
  await writeFile(staged, JSON.stringify(record), { mode: 0o600 });
  await rename(staged, join(folder, recordFile));
}

function requireComplete<T>(found: T | undefined): T {
  if (found === undefined) throw new ProblemError({ code: "not-found", what: "downloaded image of that name" });
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await namesIn(folder)).map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sum(sizes);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

/** So many may work at once; the others wait for their turn, in the order in which they came. */
function createTurns(count: number): (task: HostTaskContext) => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let free = count;
  const giveBack = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return async ({ signal, step }) => {
    if (free > 0) {
      free -= 1;
      return giveBack;
    }
    step("Waiting for another download to end");
    await new Promise<void>((resolve, reject) => {
      waiting.push(resolve);
      signal.addEventListener("abort", () => {
        const place = waiting.indexOf(resolve);
        if (place < 0) return;
        waiting.splice(place, 1);
        reject(new ProblemError({ code: "cancelled" }));
      });
    });
    return giveBack;
  };
}
