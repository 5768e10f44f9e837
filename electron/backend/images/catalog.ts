import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Catalog, OfferedImage, ServerAnswer } from "../../../privileged-helper/contract/model.ts";
import { type Problem, ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { addressOf, storedImage } from "./image-files.ts";
import { indexPath, parseIndex } from "./index-file.ts";
import { createAgents, downloadFailed, refused, request, requestText } from "./request.ts";

/** What image servers offer, kept on disk, so that it is there at once and without a network. */
export type ImageCatalog = {
  /** Each server answers for itself: what one cannot tell is said beside what the others do. */
  list(options: { refresh: boolean; everyArchitecture: boolean }): Promise<Catalog>;
  /** The bytes of each one's file system, next to which its other file is nothing; what a server does not tell is left out. */
  measure(ids: readonly string[], signal: AbortSignal): Promise<Record<string, number>>;
  /** @throws ProblemError `not-found` for what no server offered when it was last asked. */
  find(id: string): Promise<OfferedImage>;
};

export type CatalogOptions = {
  /** Where the servers' lists are kept. */
  folder: string;
  servers: () => readonly string[];
  architecture: string;
  stallMilliseconds: number;
  /** Aborts when the app ends. */
  signal: AbortSignal;
};

const maxIndexBytes = 8 * 1024 * 1024;
/** Whoever has not looked for so long wants to see what is new. */
const oldMilliseconds = 24 * 3600_000;
/** As many as one message to the page holds with ease. */
const maxShownImages = 20_000;
const measuredAtOnce = 4;

const storedList = z.object({ url: z.string(), fetchedAt: z.number(), skippedLines: z.number(), images: z.array(storedImage) });
type ServerList = z.infer<typeof storedList>;

export function createCatalog({ folder, servers, architecture, stallMilliseconds, signal: ends }: CatalogOptions): ImageCatalog {
  const lists = new Map<string, ServerList>();
  const problems = new Map<string, Problem>();
  const fetching = new Map<string, Promise<void>>();
  const agents = createAgents(measuredAtOnce);

  const fileOf = (url: string) => join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 32)}.json`);

  const store = async (list: ServerList) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const staged = `${fileOf(list.url)}.${process.pid}.new`;
    await writeFile(staged, JSON.stringify(list), { mode: 0o600 });
    await rename(staged, fileOf(list.url));
  };

  /** What was read of it before, in this run or an earlier one. */
  const known = async (url: string): Promise<ServerList | undefined> => {
    const inMemory = lists.get(url);
    if (inMemory) return inMemory;
    try {
      const list = storedList.parse(JSON.parse(await readFile(fileOf(url), "utf8")));
      if (list.url === url && !lists.has(url)) lists.set(url, list);
    } catch {
      // It was never read, or what is there is none of ours: it is asked for anew.
    }
    return lists.get(url);
  };

  const fetchList = async (url: string) => {
    const address = new URL(`${url}${indexPath}`);
    const text = await requestText(address, maxIndexBytes, { signal: ends, stallMilliseconds });
    if (text === undefined) throw downloadFailed(address, "refused", "It has no list of images.");
    const { images, skippedLines } = parseIndex(url, text);
    if (images.length === 0 && skippedLines > 0)
      throw downloadFailed(address, "not-understood", `${skippedLines} lines, and none of an image.`);
    const sizes = new Map((await known(url))?.images.map(({ id, bytes }) => [id, bytes]));
    const list = { url, fetchedAt: Date.now(), skippedLines, images: images.map((image) => ({ ...image, bytes: sizes.get(image.id) })) };
    lists.set(url, list);
    await store(list);
  };

  /** Asks it once however many want to know. */
  const refresh = (url: string): Promise<void> => {
    const underWay =
      fetching.get(url) ??
      fetchList(url)
        .then(
          () => void problems.delete(url),
          (error: unknown) => void problems.set(url, toProblem(error)),
        )
        .finally(() => fetching.delete(url));
    fetching.set(url, underWay);
    return underWay;
  };

  const answerOf = async (url: string, isAsked: boolean): Promise<ServerAnswer> => {
    const before = await known(url);
    if (isAsked || before === undefined || Date.now() - before.fetchedAt > oldMilliseconds) await refresh(url);
    const list = lists.get(url);
    return { url, fetchedAt: list?.fetchedAt, skippedLines: list?.skippedLines ?? 0, problem: problems.get(url) };
  };

  /** Lists of servers that a person has removed are of no use any more. */
  const forgetOthers = async (urls: readonly string[]) => {
    const wanted = new Set(urls.map((url) => fileOf(url)));
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      if (name.endsWith(".json") && !wanted.has(path)) await rm(path, { force: true });
    }
    for (const url of lists.keys()) if (!urls.includes(url)) lists.delete(url);
  };

  const everyImage = async () => {
    await Promise.all(servers().map(known));
    return servers().flatMap((url) => lists.get(url)?.images ?? []);
  };

  const measureOne = async (image: OfferedImage, signal: AbortSignal): Promise<number> => {
    const { response, url } = await request(addressOf(image, "rootfs.tar.xz"), { method: "HEAD", signal, stallMilliseconds, agents });
    response.resume();
    const length = Number(response.headers["content-length"]);
    if (response.statusCode !== 200 || !Number.isSafeInteger(length)) throw refused(url, response);
    return length;
  };

  return {
    async list({ refresh: isAsked, everyArchitecture }) {
      const urls = servers();
      const answers = await Promise.all(urls.map((url) => answerOf(url, isAsked)));
      await forgetOthers(servers());
      const images = urls.flatMap((url) => lists.get(url)?.images ?? []);
      const shown = images.filter((image) => everyArchitecture || image.architecture === architecture);
      return { architecture, servers: answers, images: shown.slice(0, maxShownImages) };
    },
    async measure(ids, signal) {
      const wanted = new Set(ids);
      const images = (await everyImage()).filter(({ id }) => wanted.has(id));
      const unknown = images.filter(({ bytes }) => bytes === undefined);
      const waiting = [...unknown];
      const measureNext = async () => {
        for (let image = waiting.pop(); image && !signal.aborted; image = waiting.pop()) {
          // A size is nice to know, and nothing depends on it.
          image.bytes = await measureOne(image, signal).catch(() => undefined);
        }
      };
      await Promise.all(Array.from({ length: measuredAtOnce }, measureNext));
      const measured = new Set(unknown.filter(({ bytes }) => bytes !== undefined).map(({ server }) => server));
      for (const url of measured) {
        const list = lists.get(url);
        if (list) await store(list);
      }
      return Object.fromEntries(images.flatMap(({ id, bytes }) => (bytes === undefined ? [] : [[id, bytes]])));
    },
    async find(id) {
      const image = (await everyImage()).find((one) => one.id === id);
      if (!image) throw new ProblemError({ code: "not-found", what: "such image on a server any more" });
      return image;
    },
  };
}
