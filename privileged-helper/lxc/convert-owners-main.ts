import { type ConvertReport, type ConvertRequest, convertOwners, Refused } from "./convert-owners.ts";

/**
 * Giving the files of a container to other ids and back, as a process of its own. Its argument is the request, its standard output lines of
 * JSON. Exit code 3 where the files cannot be converted and none was changed.
 */
const report = (line: ConvertReport) => process.stdout.write(`${JSON.stringify(line)}\n`);

convertOwners(JSON.parse(process.argv[2] ?? "") as ConvertRequest, report).catch((thrown: unknown) => {
  if (thrown instanceof Refused) {
    report({ refused: thrown.message });
    process.exitCode = 3;
  } else {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exitCode = 1;
  }
});
