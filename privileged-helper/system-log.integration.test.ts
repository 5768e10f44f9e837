import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createLog } from "./log.ts";
import { createSystemLog } from "./system-log.ts";

/** What syslog and the journal do: take datagrams from a socket. Each is printed on a line of its own, with its own line ends shown. */
const listener = `
  use Socket; socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die; bind($socket, sockaddr_un($ARGV[0])) or die; $| = 1;
  while (defined recv($socket, my $datagram, 65536, 0)) { $datagram =~ s/\\n/\\\\n/g; print "$datagram\\n"; }`;

let folder: string;
let socket: string;
let syslog: ChildProcess;
let received: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-system-log-"));
  socket = join(folder, "log");
  received = [];
  syslog = spawn("/usr/bin/perl", ["-e", listener, socket], { stdio: ["ignore", "pipe", "inherit"] });
  syslog.stdout?.setEncoding("utf8").on("data", (text: string) => received.push(...text.split("\n").filter(Boolean)));
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true));
});
afterEach(async () => {
  syslog.kill();
  await once(syslog, "exit");
  rmSync(folder, { recursive: true });
});

it("gets one line a call, of facility authpriv, whatever the fields hold, and nothing that needed no right", async () => {
  const log = createLog(join(folder, "file"), createSystemLog(socket));
  log("done", { uid: 1000, method: "containers.start", container: "web", right: "manage" });
  log("failed", { uid: 1000, method: "host.info", problem: "internal" });
  log("failed", {
    uid: 1000,
    method: "images.import",
    container: `a\n<0>b\u001b[31m${"x".repeat(5000)}`,
    right: "import",
    problem: "auth-denied",
  });
  log("done", { uid: 0, method: "containers.stop", container: "web", right: "manage" });
  await vi.waitFor(() => expect(received).toHaveLength(3));
  const [first, second, third] = received;
  expect(first).toMatch(
    new RegExp(`^<86>.* lxc-desktop\\[${process.pid}\\]: done uid=1000 method=containers.start container=web right=manage$`),
  );
  expect(second).toMatch(
    /^<85>.* lxc-desktop\[\d+\]: failed uid=1000 method=images.import container="a\\n<0>b\\u001b\[31mx+" right=import problem=auth-denied$/,
  );
  expect(third).toMatch(/^<86>.*: done uid=0 method=containers.stop/);
});

it("does not keep the file from being written where nothing listens", async () => {
  const none = createSystemLog(join(folder, "none"));
  for (let i = 0; i < 100; i++) none("done", false);
  const log = createLog(join(folder, "file"), none);
  log("done", { uid: 1000, method: "containers.start", right: "manage" });
  expect(existsSync(join(folder, "file"))).toBe(true);
});
