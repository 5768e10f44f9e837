import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { isLoopbackHost } from "../../../privileged-helper/contract/image-servers.ts";
import { formatOciReference, type OciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { programPath } from "./programs.ts";

/** skopeo(1) talks with registries, and knows what a person has logged in to. */
export type SkopeoRun = {
  signal: AbortSignal;
  /** Told of the command before it runs. */
  onCommand?(argv: readonly string[]): void;
  onOutput?(text: string): void;
  /** Where what it writes by a relative path goes. */
  folder?: string;
};

const maxAnswerBytes = 8 * 1024 * 1024;
const keptErrorCharacters = 64 * 1024;
const outputCharacters = 4096;
const graceMilliseconds = 5_000;
/** What it needs of the person's environment: logins, proxies, and where it may write. */
const passedOn =
  /^(HOME|XDG_RUNTIME_DIR|XDG_CONFIG_HOME|REGISTRY_AUTH_FILE|DOCKER_CONFIG|TMPDIR|SSL_CERT_(FILE|DIR)|(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY)$/;

/**
 * Asks for a text about an image: its manifest or its configuration, byte for byte.
 * @throws ProblemError `tool-missing`, `download-failed`, `command-failed`, `cancelled`.
 */
export function inspect(reference: OciReference, what: "manifest" | "config", options: SkopeoRun): Promise<string> {
  const args = ["inspect", "--raw", ...(what === "config" ? ["--config"] : []), ...tlsOption(reference, "--tls-verify=false")];
  return skopeo([...args, formatOciReference(reference)], reference, options);
}

/**
 * Downloads an image into a layout of OCI below the folder that it runs in; a blob that is in the shared folder already is not
 * downloaded again.
 * @throws ProblemError as `inspect` does, and `no-space`.
 */
export async function copy(
  reference: OciReference,
  { layout, blobs, temporary, ...options }: SkopeoRun & { layout: string; blobs: string; temporary: string; folder: string },
): Promise<void> {
  const args = [
    ...["--tmpdir", temporary, "copy", "--dest-shared-blob-dir", blobs, "--dest-oci-accept-uncompressed-layers"],
    ...tlsOption(reference, "--src-tls-verify=false"),
  ];
  await skopeo([...args, formatOciReference(reference), `oci:${layout}:image`], reference, options);
}

/** Plain http is only for what does not leave this computer. */
function tlsOption(reference: OciReference, option: string): string[] {
  return reference.type === "registry" && isLoopbackHost(reference.host.replace(/:\d+$/, "")) ? [option] : [];
}

async function skopeo(args: string[], reference: OciReference, { signal, onCommand, onOutput, folder }: SkopeoRun): Promise<string> {
  // Whatever ends this process, also by force, ends what it has begun (prctl(2), PR_SET_PDEATHSIG).
  const command = ["--pdeathsig", "KILL", "--", programPath("skopeo"), ...args];
  const path = programPath("setpriv");
  if (signal.aborted) throw new ProblemError({ code: "cancelled" });
  onCommand?.(["skopeo", ...args]);
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name)));
  const child = spawn(path, command, {
    cwd: folder ?? "/",
    env: { ...environment, PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let killTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill("SIGTERM");
    killTimer ??= setTimeout(() => child.kill("SIGKILL"), graceMilliseconds);
  };
  signal.addEventListener("abort", stop, { once: true });
  const answer: Buffer[] = [];
  let bytes = 0;
  child.stdout.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxAnswerBytes) stop();
    else answer.push(piece);
  });
  let errors = "";
  const decoder = new StringDecoder("utf8");
  child.stderr.on("data", (piece: Buffer) => {
    const text = decoder.write(piece);
    errors = (errors + text).slice(-keptErrorCharacters);
    onOutput?.(text);
  });
  try {
    const { code, killedBy } = await new Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode, exitSignal) => resolve({ code: exitCode, killedBy: exitSignal }));
    });
    if (signal.aborted) throw new ProblemError({ code: "cancelled" });
    if (bytes > maxAnswerBytes) throw notUnderstood(reference, "It says more of the image than any image needs.");
    if (code !== 0)
      throw explainFailure({
        argv: ["skopeo", ...args],
        reference,
        errors,
        folder,
        exitCode: code ?? undefined,
        signal: killedBy ?? undefined,
      });
    return Buffer.concat(answer).toString("utf8");
  } finally {
    clearTimeout(killTimer);
    signal.removeEventListener("abort", stop);
  }
}

export function notUnderstood(reference: OciReference, detail: string): ProblemError {
  return downloadFailed(reference, "not-understood", detail);
}

type DownloadFailure = Extract<ProblemError["problem"], { code: "download-failed" }>["reason"];

export function downloadFailed(reference: OciReference, reason: DownloadFailure, detail: string): ProblemError {
  return new ProblemError({ code: "download-failed", url: formatOciReference(reference), reason, detail: detail.slice(0, 2048) });
}

/** What it prints ends in the error that decides (containers/image, go's net package, the registry's own answer). */
const causes: [pattern: RegExp, summary: (reference: OciReference) => string][] = [
  [
    /unauthorized|authentication required|denied: |no basic auth credentials|status:? 40[13]/i,
    (reference) =>
      `${serverOf(reference)} has no such image, or shows it only to those who have logged in: skopeo login ${serverOf(reference)}.`,
  ],
  [/no descriptor found for reference/i, () => "There is no such image in it."],
  [/manifest unknown|name unknown|not found|status:? 404/i, (reference) => `${serverOf(reference)} has no such image.`],
  [
    /toomanyrequests|too many requests|status:? 429/i,
    (reference) => `${serverOf(reference)} answers no more for now: too many downloads from here.`,
  ],
  [
    /no such host|server misbehaving|network is unreachable|connection refused|i\/o timeout|no route to host/i,
    (reference) => `${serverOf(reference)} cannot be reached.`,
  ],
  [
    /x509|tls: |server gave HTTP response to HTTPS client/i,
    (reference) => `${serverOf(reference)} does not prove with a certificate that it is what it says.`,
  ],
  [/no such file or directory/i, () => "There is no such file."],
  [/permission denied/i, () => "This file may not be read."],
  [
    /Digest did not match|digest mismatch|does not match|Corrupt blob/i,
    () => "What came is not what was announced: its digest is another one.",
  ],
  [/unexpected EOF|invalid tar header|manifest\.json|index\.json|oci-layout/i, () => "This is not such an archive, or not all of it."],
  [/more than one image|choosing an image from manifest list/i, () => "There is more than one image in it: say which, after a colon."],
  [/policy\.json/i, () => "skopeo's policy of which images to trust (containers-policy.json(5)) is missing, or refuses this one."],
];

type Failure = {
  argv: string[];
  reference: OciReference;
  errors: string;
  folder: string | undefined;
  exitCode: number | undefined;
  signal: string | undefined;
};

function explainFailure({ argv, reference, errors, folder = "", exitCode, signal }: Failure): ProblemError {
  const output = errors.slice(-outputCharacters);
  if (/no space left on device|disk quota exceeded/i.test(output)) {
    return new ProblemError({ code: "no-space", path: folder, availableBytes: 0, neededBytes: 0 });
  }
  const summary = causes.find(([pattern]) => pattern.test(lastError(output)))?.[1](reference);
  return new ProblemError({
    code: "command-failed",
    summary: summary ?? "skopeo could not get the image.",
    argv: argv.map((item) => item.slice(0, 4096)),
    exitCode,
    signal,
    output,
  });
}

/** What it prints before its error is about what went well. */
function lastError(output: string): string {
  const at = output.lastIndexOf("level=fatal");
  return at < 0 ? output : output.slice(at);
}

function serverOf(reference: OciReference): string {
  return reference.type === "registry" ? reference.host : reference.path;
}
