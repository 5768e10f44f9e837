import { toProblem } from "../contract/problems.ts";
import { type UnpackReport, type UnpackRequest, unpackImage } from "./image-unpack.ts";

/**
 * Unpacking an image, as a process of its own. Its argument is the request, its standard output lines of JSON: how far it is, and at
 * the end what came of it. What programs print goes to standard error.
 */
const report = (line: UnpackReport) => process.stdout.write(`${JSON.stringify(line)}\n`);

const request = JSON.parse(process.argv[2] ?? "") as UnpackRequest;
unpackImage(request, (fraction) => report({ fraction })).then(
  (unpacked) => report({ unpacked }),
  (thrown: unknown) => {
    report({ problem: toProblem(thrown) });
    process.exitCode = 1;
  },
);
