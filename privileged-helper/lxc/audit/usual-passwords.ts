import { toProblem } from "../../contract/problems.ts";
import { run } from "../run.ts";

/** An account and what shadow(5) has for its password. */
export type Account = { name: string; hash: string };
/** `known`: accounts whose password is a usual one; `untried`: those of which that could not be told. */
export type TriedPasswords = { known: string[]; untried: string[] };

/**
 * What templates, images and people set at first: lxc-ubuntu makes ubuntu/ubuntu, older templates root/root, images of boards and of
 * Vagrant the like.
 */
const usualPasswords = ["root", "password"];
const maxAccounts = 6;
const tryTimeoutSeconds = 3;

/**
 * Hashes that cost no more than what distributions set (crypt(5)). Others are a container's way to keep this computer busy for hours.
 * 512 and 256 are of SHA-2 with its 5000 rounds, or as many as are named; y of yescrypt with libxcrypt's own cost; 1 is of MD5.
 */
const cheapHash = /^\$(?:1\$|[56]\$(?:rounds=[1-9]\d{0,4}\$)?|y\$j9T\$)[A-Za-z0-9./]{1,32}\$[A-Za-z0-9./]{20,90}$/;

/** Answers by numbers of lines which passwords fit: nothing that came in is printed. */
const script = [
  "while (<STDIN>) {",
  "chomp; my ($hash, $password) = split /\\t/, $_, 2;",
  'my $made = crypt($password, $hash); print $. . "\\n" if defined $made && $made eq $hash;',
  "}",
].join(" ");

/**
 * Tries the usual passwords on accounts, by the C library's own crypt(3), which knows what this computer's passwords are made with, too.
 * Passwords and hashes go through a pipe, which nobody else sees.
 */
export async function tryUsualPasswords(accounts: readonly Account[]): Promise<TriedPasswords> {
  const tried = accounts.filter(({ hash }) => cheapHash.test(hash)).slice(0, maxAccounts);
  const untried = accounts.filter((one) => !tried.includes(one)).map(({ name }) => name);
  if (tried.length === 0) return { known: [], untried };
  const questions = tried.flatMap((account) => [account.name, ...usualPasswords].map((password) => ({ account, password })));
  const text = questions.map(({ account, password }) => `${account.hash}\t${password}\n`).join("");
  try {
    const { output } = await run("perl", ["-e", script], {
      timeoutSeconds: tryTimeoutSeconds,
      onInput: (input) => input.end(text),
    });
    const fitting = output.split("\n").filter((line) => /^\d+$/.test(line));
    return { known: [...new Set(fitting.flatMap((line) => questions[Number(line) - 1]?.account.name ?? []))], untried };
  } catch (thrown) {
    if (toProblem(thrown).code === "internal") throw thrown;
    return { known: [], untried: accounts.map(({ name }) => name) };
  }
}
