import { open } from "node:fs/promises";
import { readDecompressed } from "../../../privileged-helper/archive/decompress.ts";
import { type ProgramName, programPath } from "./programs.ts";

/** Programs by what a layer begins with (magic(5)). */
const decompressors: [magic: string, program: ProgramName][] = [
  ["\x1f\x8b", "gzip"],
  ["\x28\xb5\x2f\xfd", "zstd"],
];

const readAtOnceBytes = 256 * 1024;

/**
 * Gives a layer's archive to a reader, decompressed.
 * @throws What the reader throws; ProblemError `archive-refused` where it cannot be decompressed, `tool-missing`.
 */
export async function withLayer<T>(path: string, read: (bytes: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const start = buffer.toString("latin1", 0, bytesRead);
    const [, program] = decompressors.find(([magic]) => start.startsWith(magic)) ?? [];
    if (program === undefined) return await read(file.createReadStream({ start: 0, highWaterMark: readAtOnceBytes, autoClose: false }));
    return await readDecompressed(file.fd, [programPath(program), "--decompress", "--stdout", "--quiet"], read);
  } finally {
    await file.close();
  }
}
