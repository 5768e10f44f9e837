import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Figure, median } from "./figures.ts";

const execute = promisify(execFile);
const rounds = 5;
const megabytes = 200;
/** A gigabit network's rate, without its frames: 1000 Mbit/s, of which 949 are payload with IPv4, TCP and time stamps. */
const lineMegabytesPerSecond = 118;
const programs = import.meta.dirname;

/**
 * Downloads of an image of 200 MB from a server on loopback, in turns: by the app, which also hashes it, and by curl. The server sends
 * as fast as a gigabit network carries, because no image comes from this very computer.
 */
export async function downloadFigures(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-download-"));
  const server = spawn(process.execPath, [...process.execArgv, join(programs, "download-server.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, BENCH_MEGABYTES: String(megabytes), BENCH_MEGABYTES_PER_SECOND: String(lineMegabytesPerSecond) },
  });
  try {
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const { url, sha256 } = JSON.parse(line.toString()) as { url: string; sha256: string };
    const ours: number[] = [];
    const theirs: number[] = [];
    const growths: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const app = await byApp(url, sha256, join(folder, "app"));
      const curl = await byCurl(url, join(folder, "curl"));
      if (round < 0) continue;
      ours.push(app.seconds);
      growths.push(app.grownMegabytes);
      theirs.push(curl);
    }
    const rate = median(theirs) / median(ours);
    const growth = median(growths);
    return [
      {
        name: `Download of ${megabytes} MB at a gigabit network's rate, hashed, against curl`,
        ours: `${(megabytes / median(ours)).toFixed(0)} MB/s`,
        theirs: `${(megabytes / median(theirs)).toFixed(0)} MB/s`,
        result: `${rate.toFixed(2)} of the rate`,
        bar: "at least 0.9",
        met: rate >= 0.9,
      },
      {
        name: "Memory that such a download takes at its end, against a quarter of it",
        ours: `${growth.toFixed(0)} MB`,
        theirs: "",
        result: `${growth.toFixed(0)} MB more`,
        bar: "at most 20 MB more",
        met: growth <= 20,
      },
    ];
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process of its own, whose memory is then that of the download alone. */
async function byApp(url: string, sha256: string, path: string): Promise<{ seconds: number; grownMegabytes: number }> {
  const { stdout } = await execute(process.execPath, [...process.execArgv, join(programs, "download-by-app.ts"), url, sha256, path]);
  return JSON.parse(stdout);
}

/** By its own clock, so that its start does not count; ours does not, either. */
async function byCurl(url: string, path: string): Promise<number> {
  const { stdout } = await execute("/usr/bin/curl", ["--silent", "--fail", "--output", path, "--write-out", "%{time_total}", url]);
  rmSync(path);
  return Number(stdout);
}
