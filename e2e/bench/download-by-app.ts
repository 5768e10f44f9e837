/** Downloads one file as the app does; prints how long it took and how much memory it took on the way. */
import { rmSync } from "node:fs";
import { downloadFile } from "../../electron/backend/images/file-download.ts";

const [url = "", sha256 = "", path = ""] = process.argv.slice(2);
let atQuarter = 0;
let atEnd = 0;
const start = performance.now();
await downloadFile({
  url: new URL(url),
  path,
  sha256,
  maxBytes: 1e9,
  signal: new AbortController().signal,
  stallMilliseconds: 10_000,
  pauseMilliseconds: 10,
  onProgress(bytes, total = 0) {
    if (atQuarter === 0 && bytes > total / 4) atQuarter = process.memoryUsage.rss();
    if (bytes === total) atEnd = process.memoryUsage.rss();
  },
  onNote() {},
});
const seconds = (performance.now() - start) / 1e3;
rmSync(path);
console.log(JSON.stringify({ seconds, grownMegabytes: (atEnd - atQuarter) / 1e6 }));
