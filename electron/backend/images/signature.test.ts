import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { checkSignature, type SignatureCheck } from "./signature.ts";

/** Keys of two people, made for this test. */
let home: string;
let fingerprint: string;
let signature: string;
let commands: string[][];
const signed = "0123  rootfs.tar.xz\n";
const url = new URL("https://images.example.org/SHA256SUMS.asc");

const gpg = (...args: string[]) =>
  execFileSync("gpg", ["--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "", ...args], {
    encoding: "utf8",
    stdio: "pipe",
  });
const sign = (user: string, text: string) => {
  writeFileSync(join(home, "signed"), text);
  return gpg("--armor", "--local-user", user, "--output", "-", "--detach-sign", join(home, "signed"));
};
const keyring = (name: string) => join(home, name);

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "lxc-desktop-gpg-"));
  for (const user of ["server@example.org", "other@example.org"]) {
    gpg("--quick-generate-key", `Images <${user}>`, "ed25519", "sign", "never");
    gpg("--output", keyring(`${user}.gpg`), "--export", user);
    gpg("--armor", "--output", keyring(`${user}.asc`), "--export", user);
  }
  fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg("--with-colons", "--fingerprint", "server@example.org"))?.[1] ?? "";
  signature = sign("server@example.org", signed);
  writeFileSync(keyring("no-keys.gpg"), "These are no keys.");
}, 60_000);
afterAll(() => {
  execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
  rmSync(home, { recursive: true });
});
beforeEach(() => {
  commands = [];
});

function check(part: Partial<SignatureCheck>) {
  return checkSignature({
    signed,
    url,
    signature,
    keyring: keyring("server@example.org.gpg"),
    signal: new AbortController().signal,
    onCommand: (argv) => commands.push([...argv]),
    ...part,
  });
}
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

it("a signature of the keyring's key is good, and says whose; what ran is told", async () => {
  const good = { state: "good", signer: "Images <server@example.org>", fingerprint };
  expect(await check({})).toEqual(good);
  expect(commands.map((argv) => argv.filter((item) => item === "--import" || item === "--verify"))).toEqual([["--import"], ["--verify"]]);
  expect(await check({ keyring: keyring("server@example.org.asc") })).toEqual(good);
});

it("a signature of another text, or no signature at all in its place, is refused", async () => {
  expect(await problemOf(check({ signed: "4567  rootfs.tar.xz\n" }))).toMatchObject({ code: "download-failed", reason: "bad-signature" });
  expect(await problemOf(check({ signature: "<html>It works!</html>" }))).toMatchObject({ reason: "bad-signature" });
  expect(await problemOf(check({ signature: "" }))).toMatchObject({ reason: "bad-signature" });
});

it("a signature of a key that has expired is refused", async () => {
  gpg("--faked-system-time", "20200101T000000!", "--quick-generate-key", "Images <old@example.org>", "ed25519", "sign", "1d");
  gpg("--output", keyring("old.gpg"), "--export", "old@example.org");
  writeFileSync(join(home, "signed"), signed);
  const old = gpg(
    "--faked-system-time",
    "20200101T010000!",
    "--armor",
    "--local-user",
    "old@example.org",
    "--output",
    "-",
    "--detach-sign",
    join(home, "signed"),
  );
  expect(await problemOf(check({ signature: old, keyring: keyring("old.gpg") }))).toMatchObject({
    reason: "bad-signature",
    detail: "The key that signed has expired.",
  });
});

it("what nobody signed, or nobody known, is told as that", async () => {
  expect(await check({ signature: undefined })).toEqual({ state: "none" });
  expect(await check({ keyring: undefined })).toEqual({ state: "unchecked", reason: "no-keyring" });
  expect(await check({ keyring: keyring("other@example.org.gpg") })).toEqual({ state: "unchecked", reason: "unknown-key" });
});

it("a keyring without keys is no keyring", async () => {
  for (const name of ["no-keys.gpg", "not-there.gpg"]) {
    expect(await problemOf(check({ keyring: keyring(name) })), name).toMatchObject({ code: "not-found" });
  }
});

it("one good signature does not outweigh a bad one beside it", async () => {
  const both = Buffer.concat([Buffer.from(dearmor(signature)), Buffer.from(dearmor(sign("other@example.org", "another text")))]);
  writeFileSync(join(home, "both"), both);
  gpg("--yes", "--output", keyring("both.gpg"), "--export", "server@example.org", "other@example.org");
  const armored = gpg("--enarmor", "--output", "-", join(home, "both")).replaceAll("ARMORED FILE", "SIGNATURE");
  expect(await problemOf(check({ signature: armored, keyring: keyring("both.gpg") }))).toMatchObject({ reason: "bad-signature" });
});

it("is cancelled", async () => {
  expect(await problemOf(check({ signal: AbortSignal.abort() }))).toEqual({ code: "cancelled" });
});

function dearmor(armored: string): Buffer {
  writeFileSync(join(home, "armored"), armored);
  return execFileSync("gpg", ["--homedir", home, "--batch", "--output", "-", "--dearmor", join(home, "armored")]);
}
