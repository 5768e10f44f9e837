import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { imageTitle } from "../../../privileged-helper/contract/image-servers.ts";
import type { HostMethods, MethodName, ParamsInputOf, ParamsOf, ResultOf } from "../../../privileged-helper/contract/methods.ts";
import type { ContainersOfArchive, OfferedImage } from "../../../privileged-helper/contract/model.ts";
import { formatOciReference, ociTitle } from "../../../privileged-helper/contract/oci-reference.ts";
import { ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Peer } from "../../../privileged-helper/wire/peer.ts";
import type { HostTasks, TaskAgain } from "../host-tasks.ts";
import type { Upload, Uploads } from "../uploads.ts";
import { ownArchitecture } from "./architecture.ts";
import type { DownloadedFile } from "./downloads.ts";
import type { Images } from "./images.ts";
import { createRate } from "./rate.ts";

type Params<M extends keyof HostMethods> = HostMethods[M]["params"]["_zod"]["output"];

/** Containers of what the person has or can download: the helper gets the bytes, makes a ready image of them, and of that the container. */
export type ContainersOfImages = {
  ofServer(params: Params<"catalog.create">): Promise<void>;
  ofOci(params: Params<"oci.create">): Promise<void>;
  openArchive(params: Params<"archives.open">): Promise<{ channel: number }>;
  /** @param signal Gives up while bytes are still to come. */
  ofArchive(params: Params<"archives.create">, signal: AbortSignal): Promise<ContainersOfArchive>;
  /** The page that sent archives is gone. */
  forgetPage(): void;
};

/** Works with the helper, which is kept meanwhile; one is started where there is none. */
export type WithHelper = <T>(work: (helper: Peer) => Promise<T>) => Promise<T>;

export type ContainersOfImagesOptions = {
  images: Pick<Images, "downloads" | "find" | "oci">;
  tasks: HostTasks;
  uploads: Uploads;
  withHelper: WithHelper;
  /** True where a file is a copy that goes when its work is done. */
  isPassing(path: string): boolean;
};

type OciParams = Params<"oci.create">;
type Archive = { title: string; upload: Upload; sha256: Promise<string>; retryWith(again: TaskAgain): void };

const chunkBytes = 128 * 1024;

export function createContainersOfImages({ images, tasks, uploads, withHelper, isPassing }: ContainersOfImagesOptions): ContainersOfImages {
  const { downloads, oci } = images;
  const architecture = ownArchitecture();
  /** Ready images that are being made, by what they are made of: whoever wants the same meanwhile waits for it. */
  const loading = new Map<string, Promise<string>>();
  const archives = new Map<number, Archive>();

  const sendFile = (helper: Peer, target: string, again: TaskAgain, files: readonly Pick<DownloadedFile, "path" | "bytes">[]) =>
    tasks.run("load", target, again, async (task) => {
      const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
      const rate = createRate();
      const sent: Upload[] = [];
      try {
        let before = 0;
        for (const { path, bytes } of files) {
          task.output(`Handing ${path} to the helper\n`);
          const base = before;
          const upload = await uploads.open(helper, bytes, (written) =>
            task.step(rate.text(base + written, total, performance.now()), (base + written) / total),
          );
          sent.push(upload);
          await pour(path, upload, task.signal);
          await upload.complete(task.signal);
          before += bytes;
        }
        return sent;
      } catch (error) {
        for (const upload of sent) upload.close();
        throw error;
      }
    });

  /** @returns The ready image of a server's image; one that is there already, or a new one. */
  const ready = async (helper: Peer, image: OfferedImage, params: Params<"catalog.create">): Promise<string> => {
    const { unprivileged } = params;
    const { files } = await downloads.files(image.id);
    const [rootfs, meta] = [fileOf(files, "rootfs.tar.xz"), fileOf(files, "meta.tar.xz")];
    const there = (await call(helper, "images.list", {})).find(
      (one) => one.image === image.id && one.unprivileged === unprivileged && one.sha256 === rootfs.sha256,
    );
    if (there) return there.id;
    const title = imageTitle(image, architecture);
    const request = { method: "catalog.create" as const, params: { ...params, image: image.id } };
    const sent = await sendFile(helper, title, { request }, [rootfs, meta]);
    try {
      const [rootfsUpload, metaUpload] = sent as [Upload, Upload];
      const made = await call(helper, "images.import", {
        title,
        origin: "server",
        rootfs: rootfsUpload.channel,
        meta: metaUpload.channel,
        // What was compared with the server's list: were the file another one now, the helper would refuse it.
        sha256: { rootfs: rootfs.sha256, meta: meta.sha256 },
        unprivileged,
        image: image.id,
        request,
      });
      return made.image;
    } finally {
      for (const upload of sent) upload.close();
    }
  };

  /** @returns The ready image of one of OCI; one that is there already, or a new one. */
  const readyOfOci = async (helper: Peer, { reference, manifest, application, ...container }: OciParams): Promise<string> => {
    const { unprivileged } = container;
    const find = async (wanted: string) =>
      (await call(helper, "images.list", {})).find((one) => one.manifest === wanted && one.unprivileged === unprivileged)?.id;
    const there = manifest === undefined ? undefined : await find(manifest);
    if (there !== undefined) return there;
    const again = howToAskForOci({ reference, manifest, application, ...container }, isPassing);
    return tasks.run("download", ociTitle(reference), again, (task) =>
      oci.fetch(
        { reference, manifest },
        task,
        (image) => find(image.manifest),
        async ({ title, manifest: found, application: own }, { path, bytes, sha256 }) => {
          const sent = await sendFile(helper, title, again, [{ path, bytes }]);
          try {
            const [{ channel }] = sent as [Upload];
            const made = await call(helper, "images.import", {
              title,
              origin: "oci",
              rootfs: channel,
              sha256: { rootfs: sha256 },
              unprivileged,
              manifest: found,
              application: own,
              ...again,
            });
            return made.image;
          } finally {
            for (const upload of sent) upload.close();
          }
        },
      ),
    );
  };

  /** What is under way already is waited for. */
  const once = (key: string, make: () => Promise<string>): Promise<string> => {
    const underWay = loading.get(key) ?? make().finally(() => loading.delete(key));
    loading.set(key, underWay);
    return underWay;
  };

  return {
    async ofServer(params) {
      const { image: id, ...container } = params;
      const image = await images.find(id);
      await downloads.start(image);
      await withHelper(async (helper) => {
        const { unprivileged } = container;
        const source = {
          type: "image" as const,
          image: await once(`${image.id} ${unprivileged}`, () => ready(helper, image, params)),
        };
        await call(helper, "containers.create", { ...container, source });
      });
    },
    ofOci: (params) =>
      withHelper(async (helper) => {
        const { reference, manifest, application, ...container } = params;
        const image = await once(`${formatOciReference(reference)} ${manifest} ${container.unprivileged}`, () =>
          readyOfOci(helper, params),
        );
        const source = { type: "image" as const, image, ...(application && { application }) };
        await call(helper, "containers.create", { ...container, source });
      }),
    openArchive: ({ title, bytes }) =>
      withHelper(async (helper) => {
        const rate = createRate();
        let onWritten: (written: number) => void = () => {};
        let retryWith: (again: TaskAgain) => void = () => {};
        const upload = await uploads.open(helper, bytes, (written) => onWritten(written));
        const { channel } = upload;
        const sha256 = tasks.run("load", title, undefined, async (task) => {
          retryWith = task.retryWith;
          onWritten = (written) => task.step(rate.text(written, bytes, performance.now()), written / bytes);
          return upload.complete(task.signal);
        });
        // Whoever wants a container of it is told.
        sha256.catch(() => {});
        archives.set(channel, { title, upload, sha256, retryWith });
        return { channel };
      }),
    async ofArchive({ channel, names, ...container }, signal) {
      const archive = archives.get(channel);
      if (!archive) throw new ProblemError({ code: "not-found", what: `archive ${channel}` });
      const { title, upload, sha256 } = archive;
      const form = {
        names: [...names],
        choices: { ...container, source: { type: "archive" as const } },
        lacks: { what: "file" as const, name: title },
      };
      archive.retryWith({ form });
      const giveUp = () => upload.fail({ code: "cancelled" });
      signal.addEventListener("abort", giveUp);
      try {
        const rootfs = await sha256;
        return await withHelper(async (helper) => {
          const { unprivileged } = container;
          const { image } = await call(helper, "images.import", {
            title,
            origin: "archive",
            rootfs: channel,
            sha256: { rootfs },
            unprivileged,
            form,
          });
          const source = { type: "image" as const, image };
          const made = await Promise.allSettled(names.map((name) => call(helper, "containers.create", { ...container, name, source })));
          const failed = made.flatMap((one, index) =>
            one.status === "rejected" ? [{ name: names[index] ?? "", problem: toProblem(one.reason) }] : [],
          );
          return { image, failed };
        });
      } finally {
        signal.removeEventListener("abort", giveUp);
        archives.delete(channel);
        upload.close();
      }
    },
    forgetPage() {
      // Of those that have come the container is made all the same.
      for (const { upload } of archives.values()) upload.fail({ code: "cancelled" });
    },
  };
}

/** What a person has changed of what it runs may be a password, and is not kept; nor is a file that was copied for this alone. */
function howToAskForOci(
  { reference, manifest, application, name, ...choices }: OciParams,
  isPassing: (path: string) => boolean,
): Pick<ParamsOf<"images.import">, "request" | "form"> {
  const text = formatOciReference(reference);
  if (reference.type !== "registry" && isPassing(reference.path)) {
    const lacks = { what: "file" as const, name: basename(reference.path) };
    return { form: { names: [name], choices: { ...choices, source: { type: "oci-file" } }, lacks } };
  }
  if (application) {
    return { form: { names: [name], choices: { ...choices, source: { type: "oci", reference: text } }, lacks: { what: "application" } } };
  }
  return { request: { method: "oci.create", params: { name, ...choices, reference: text, ...(manifest !== undefined && { manifest }) } } };
}

async function call<M extends MethodName>(helper: Peer, method: M, params: ParamsInputOf<M>): Promise<ResultOf<M>> {
  return (await helper.call(method, params)) as ResultOf<M>;
}

function fileOf(files: readonly DownloadedFile[], name: DownloadedFile["name"]): DownloadedFile {
  const file = files.find((one) => one.name === name);
  if (!file) throw new ProblemError({ code: "not-found", what: name });
  return file;
}

/** Reads no faster than the helper writes. */
async function pour(path: string, upload: Upload, signal: AbortSignal): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) {
    const bytes = chunk as Buffer;
    await upload.room(bytes.byteLength, signal);
    upload.push(bytes);
  }
}
