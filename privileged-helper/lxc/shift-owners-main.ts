import { toProblem } from "../contract/problems.ts";
import { shiftOwners } from "./shift-owners.ts";

/**
 * The walk through a root file system that gives its files to other ids, as a process of its own.
 * Arguments: the folder, the first id on the host, how many ids there are. Exit code 3 and a sentence on standard output where
 * a file's owner has no counterpart.
 */
const [rootfs = "", first, count] = process.argv.slice(2);
const range = { first: Number(first), count: Number(count) };
if (!rootfs.startsWith("/") || !Number.isSafeInteger(range.first) || range.first < 1 || !Number.isSafeInteger(range.count)) {
  throw new Error("usage: shift-owners FOLDER FIRST COUNT");
}
try {
  const files = shiftOwners(rootfs, range);
  process.stdout.write(`${files} files now belong to ids ${range.first} to ${range.first + range.count - 1}.\n`);
} catch (thrown) {
  const problem = toProblem(thrown);
  if (problem.code !== "not-supported") throw thrown;
  process.stdout.write(`${problem.what}\n`);
  process.exitCode = 3;
}
