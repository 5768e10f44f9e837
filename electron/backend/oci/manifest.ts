import { createHash } from "node:crypto";
import * as z from "zod";
import { type Application, application, stopSignals } from "../../../privileged-helper/contract/application.ts";

/**
 * What registries say of images (OCI image specification: image-index.md, manifest.md, config.md; Docker's "Image Manifest Version 2,
 * Schema 2" is the same in other words). It comes from strangers: what is not understood is no image.
 */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const blob = z.object({ digest, size: z.int().min(0), mediaType: z.string().optional() });
const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

const index = z.object({
  manifests: z.array(z.object({ digest, platform: platform.optional() })).max(1000),
});
const manifest = z.object({ schemaVersion: z.literal(2), config: blob, layers: z.array(blob).max(512) });

export type Blob = z.infer<typeof blob>;
export type Manifest = z.infer<typeof manifest>;
export type Platform = { architecture: string; variants: readonly string[] };

/** An image for each of several computers. */
export type Index = { type: "index"; platforms: string[]; choose(platform: Platform): string | undefined };

/** As Go calls it, and images with it; where there are several kinds of one, the best first. */
export function ownPlatform(node: string = process.arch): Platform {
  const architecture = goNames[node] ?? node;
  return { architecture, variants: architecture === "arm" ? ["v7", "v6", "v5"] : [] };
}

const goNames: Record<string, string> = { x64: "amd64", ia32: "386", ppc64: "ppc64le", mipsel: "mipsle" };

/** @returns Why it is none of both, as a sentence, where it is not understood. */
export function parseManifest(text: string): ({ type: "manifest" } & Manifest) | Index | string {
  const json = parseJson(text);
  const list = index.safeParse(json);
  if (list.success) return readIndex(list.data);
  const one = manifest.safeParse(json);
  if (one.success) return { type: "manifest", ...one.data };
  const isOld = typeof json === "object" && json !== null && "schemaVersion" in json && json.schemaVersion === 1;
  return isOld ? "It is in Docker's format of before 2016." : "What it says of the image is not in a known format.";
}

export function digestOf(bytes: string | Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function readIndex({ manifests }: z.infer<typeof index>): Index {
  const usable = manifests.flatMap((one) => (one.platform?.os === "linux" ? { digest: one.digest, platform: one.platform } : []));
  const others = manifests.flatMap(({ platform: of }) => of ?? []).filter(({ os }) => os !== "unknown");
  return {
    type: "index",
    platforms: [...new Set(others.map(({ os, architecture, variant }) => [os, architecture, variant].filter(Boolean).join("/")))],
    choose({ architecture, variants }) {
      const fitting = usable.filter((one) => one.platform.architecture === architecture);
      const best = variants.map((variant) => fitting.find((one) => one.platform.variant === variant)).find(Boolean);
      return (best ?? fitting[0])?.digest;
    },
  };
}

/** Docker's and OCI's words for the same. Absent, null and empty are one. */
const imageConfig = z.object({
  architecture: z.string().max(40).nullish(),
  created: z.string().nullish(),
  config: z
    .object({
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      StopSignal: z.string().nullish(),
    })
    .nullish(),
});

export type ImageConfig = { architecture: string; createdAt?: number; application: Application };

/** @returns Why it is of no use, as a sentence, where it is. */
export function parseImageConfig(text: string): ImageConfig | string {
  const parsed = imageConfig.safeParse(parseJson(text));
  if (!parsed.success) return "What it says of the image's application is not in a known format.";
  const { architecture, created, config } = parsed.data;
  const wanted = application.safeParse({
    argv: [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])],
    environment: lastOfEach((config?.Env ?? []).filter((entry) => /^[^=]+=/.test(entry))),
    workingDirectory: absolute(config?.WorkingDir || "/"),
    user: config?.User ?? "",
    ports: Object.keys(config?.ExposedPorts ?? {}).map((port) => (port.includes("/") ? port : `${port}/tcp`)),
    volumes: Object.keys(config?.Volumes ?? {}).map(absolute),
    stopSignal: signalOf(config?.StopSignal ?? undefined),
  });
  if (!wanted.success) {
    const [issue] = wanted.error.issues;
    return `What it says of its ${issue?.path.join(" ") ?? "application"} cannot be used: ${issue?.message ?? ""}.`;
  }
  const time = Date.parse(created ?? "");
  return { architecture: architecture ?? "", application: wanted.data, ...(time > 0 && { createdAt: time }) };
}

/** A variable that is given twice has its last value. */
function lastOfEach(environment: readonly string[]): string[] {
  return [...new Map(environment.map((entry) => [entry.slice(0, entry.indexOf("=")), entry])).values()];
}

function absolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

const signalNumbers: Record<number, (typeof stopSignals)[number]> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  9: "SIGKILL",
  10: "SIGUSR1",
  12: "SIGUSR2",
  15: "SIGTERM",
  28: "SIGWINCH",
  30: "SIGPWR",
  37: "SIGRTMIN+3",
  38: "SIGRTMIN+4",
};

/** A name, with or without SIG, or a number (signal(7)). Without one, or with one that stops nothing, it is Docker's own. */
function signalOf(text: string | undefined): string {
  if (text === undefined || text === "") return "SIGTERM";
  const upper = text.toUpperCase();
  const name = /^\d+$/.test(text) ? signalNumbers[Number(text)] : upper.startsWith("SIG") ? upper : `SIG${upper}`;
  return stopSignals.find((signal) => signal === name) ?? "SIGTERM";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
