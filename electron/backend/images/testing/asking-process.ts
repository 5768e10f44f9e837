/**
 * Asks for a document and prints it, or else the problem, as a process with an environment of its own. Arguments: its address, how long
 * a server may be silent and how long a person waits, in milliseconds.
 */
import { toProblem } from "../../../../privileged-helper/contract/problems.ts";
import { requestText } from "../request.ts";

const [address = "", stall, wait] = process.argv.slice(2);
const options = { signal: AbortSignal.timeout(Number(wait)), stallMilliseconds: Number(stall) };
requestText(new URL(address), 10_000_000, options).then(
  (text) => answer({ text: text ?? "none" }),
  (thrown: unknown) => answer({ problem: toProblem(thrown) }),
);

function answer(value: object) {
  process.stdout.write(JSON.stringify(value));
}
