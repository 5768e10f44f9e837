import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageSignature } from "../../../privileged-helper/contract/model.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { downloadFailed } from "./request.ts";

export type SignatureCheck = {
  /** What is signed, and where it came from. */
  signed: string;
  url: URL;
  /** The detached signature; undefined where the server has none. */
  signature: string | undefined;
  /** A file of OpenPGP keys, armoured or not; undefined where none was chosen. */
  keyring: string | undefined;
  signal: AbortSignal;
  /** Told of each command before it runs. */
  onCommand(argv: readonly string[]): void;
};

const timeoutMilliseconds = 30_000;

/**
 * Asks GnuPG, in a folder of its own, so that a person's own keys vouch for nothing here.
 * @throws ProblemError `download-failed` with `bad-signature` where a key of the keyring did not make the signature of this text,
 * or has expired or was revoked; `not-found` without the keyring; `cancelled`.
 */
export async function checkSignature({ signed, url, signature, keyring, signal, onCommand }: SignatureCheck): Promise<ImageSignature> {
  if (signature === undefined) return { state: "none" };
  if (keyring === undefined) return { state: "unchecked", reason: "no-keyring" };
  const home = await mkdtemp(join(tmpdir(), "lxc-desktop-gnupg-"));
  const gpg = async (...args: string[]) => {
    const argv = [
      "gpg",
      "--homedir",
      home,
      "--batch",
      "--no-tty",
      "--no-autostart",
      "--status-fd",
      "1",
      "--trust-model",
      "always",
      ...args,
    ];
    onCommand(argv);
    return run(argv, signal);
  };
  try {
    const signedPath = join(home, "SHA256SUMS");
    const signaturePath = `${signedPath}.asc`;
    await writeFile(signedPath, signed);
    await writeFile(signaturePath, signature);
    const imported = await gpg("--import", keyring);
    if (imported === undefined) return { state: "unchecked", reason: "no-gpg" };
    if (!/^\[GNUPG:\] IMPORT_OK /m.test(imported)) throw new ProblemError({ code: "not-found", what: `OpenPGP key in ${keyring}` });
    return judge(url, (await gpg("--verify", signaturePath, signedPath)) ?? "");
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Reads GnuPG's status lines (doc/DETAILS of GnuPG). One good signature is enough; a bad one is never outweighed. */
function judge(url: URL, status: string): ImageSignature {
  const lines = status.matchAll(/^\[GNUPG:\] ([A-Z_]+) ?(.*)$/gm);
  const statuses = new Map([...lines].map(([, keyword = "", rest = ""]) => [keyword, rest]));
  for (const [keyword, sentence] of badStatuses) if (statuses.has(keyword)) throw downloadFailed(url, "bad-signature", sentence);
  const [fingerprint] = statuses.get("VALIDSIG")?.split(" ") ?? [];
  const signer = statuses.get("GOODSIG")?.replace(/^\S+ /, "");
  if (fingerprint !== undefined && signer !== undefined) return { state: "good", signer: signer.slice(0, 200), fingerprint };
  if (statuses.has("NO_PUBKEY")) return { state: "unchecked", reason: "unknown-key" };
  throw downloadFailed(url, "bad-signature", "It is no OpenPGP signature.");
}

const badStatuses: readonly [keyword: string, sentence: string][] = [
  ["BADSIG", "The signature is not of this text."],
  ["EXPSIG", "The signature has expired."],
  ["EXPKEYSIG", "The key that signed has expired."],
  ["REVKEYSIG", "The key that signed was revoked."],
];

/** @returns What it printed, whatever its exit code; undefined where there is no such program. */
function run([file = "", ...args]: string[], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { signal, timeout: timeoutMilliseconds, maxBuffer: 1024 * 1024, env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } },
      (error, stdout) => {
        if (signal.aborted) reject(new ProblemError({ code: "cancelled" }));
        else if (error?.code === "ENOENT") resolve(undefined);
        else if (error?.killed)
          reject(new ProblemError({ code: "timed-out", what: "Checking the signature", seconds: timeoutMilliseconds / 1000 }));
        else resolve(stdout);
      },
    );
  });
}
