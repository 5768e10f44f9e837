import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CapabilityName, capabilityNames } from "../../contract/capabilities.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { CapabilityUse } from "../../contract/security.ts";
import { parseMountinfo } from "../mountinfo.ts";
import { payloadCgroups } from "../payload.ts";
import { namesIn, readProcFile } from "../proc.ts";
import { listProcesses } from "../process-count.ts";
import { run } from "../run.ts";

/** Where systemd mounts it, too (Documentation/trace/ftrace.rst). */
const tracing = "/sys/kernel/tracing";
const event = "events/capability/cap_capable";
const prefix = "lxc-desktop-";
/** By this it is known for a mount of ours, also by a helper that comes after one that was killed. */
const mountSource = "lxc-desktop";
const mountTimeoutSeconds = 10;
/** What is told meanwhile has to fit into the buffer: each capability is told once, so it may take its time. */
const lookMilliseconds = 250;
/** Processes that were not born inside, such as shells of terminals, are looked for less often. */
const looksPerSearch = 4;
/** Nobody has asked for so long: the page is gone. */
const leaseMilliseconds = 15_000;
const maxWatches = 4;
const bufferKibibytes = "64";

/** Which of root's rights containers use, while somebody watches. */
export type CapabilityWatches = {
  /**
   * What a container that runs has used since the first of these calls; from then on it is watched, until nobody calls any more.
   * @throws ProblemError `not-supported` where the kernel does not tell.
   */
  look(name: string, initPid: number): Promise<CapabilityUse>;
  /** Ends all watching. */
  close(): Promise<void>;
};

type Watch = { initPid: number; folder: string; since: number; used: Set<CapabilityName>; until: number; timer: NodeJS.Timeout };

/**
 * The kernel tells of each question for a capability (tracepoint capability:cap_capable, Linux 6.14) in an instance of tracefs of our own,
 * for the processes of one container and what they start. What is known is filtered out at once, so at most one line comes for each.
 */
export function createCapabilityWatches(): CapabilityWatches {
  const watches = new Map<string, Watch>();
  let preparing: Promise<void> | undefined;
  let count = 0;

  const end = (name: string) => {
    const watch = watches.get(name);
    if (!watch) return;
    clearInterval(watch.timer);
    watches.delete(name);
    removeInstance(watch.folder);
  };
  const unmountIfUnused = async () => {
    if (watches.size > 0 || ownInstances().length > 0 || !isMountedByUs()) return;
    // Whoever has begun to use it meanwhile keeps it.
    await run("umount", [tracing], { timeoutSeconds: mountTimeoutSeconds, allowExitCodes: "any" });
  };

  const prepare = async () => {
    if (existsSync(join(tracing, event))) return;
    if (!existsSync(join(tracing, "events"))) {
      const options = ["-t", "tracefs", "-o", "nosuid,nodev,noexec", mountSource, tracing];
      const { exitCode, output } = await run("mount", options, { timeoutSeconds: mountTimeoutSeconds, allowExitCodes: "any" });
      if (exitCode !== 0) throw cannotTell(`tracefs cannot be mounted: ${output.trim() || `mount ended with ${exitCode}`}.`);
    }
    if (existsSync(join(tracing, event))) return;
    await unmountIfUnused();
    throw cannotTell("Linux 6.14 and later do.");
  };

  const begin = (name: string, initPid: number): Watch => {
    const oldest = watches.size >= maxWatches ? watches.keys().next().value : undefined;
    if (oldest !== undefined) end(oldest);
    count += 1;
    const folder = join(tracing, "instances", `${prefix}${process.pid}-${count}`);
    const used = new Set<CapabilityName>();
    const processes = new Set<number>();
    const cgroup = processesFolder(name, initPid);
    const follow = () => {
      const found = (cgroup === undefined ? [initPid] : listProcesses(cgroup)).flatMap(threadsOf).filter((one) => !processes.has(one));
      for (const one of found) processes.add(one);
      if (found.length > 0) appendFileSync(join(folder, "set_event_pid"), `${found.join(" ")}\n`);
    };
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, "buffer_size_kb"), bufferKibibytes);
      writeFileSync(join(folder, "options/event-fork"), "1");
      follow();
      writeFileSync(join(folder, event, "filter"), filterFor(used));
      writeFileSync(join(folder, event, "enable"), "1");
    } catch (error) {
      removeInstance(folder);
      throw cannotTell(`${error instanceof Error ? error.message : error}.`);
    }
    let looks = 0;
    const look = () => {
      const watch = watches.get(name);
      try {
        const found = usedIn(readFileSync(join(folder, "trace"), "utf8")).filter((one) => !used.has(one));
        for (const one of found) used.add(one);
        if (found.length > 0) {
          writeFileSync(join(folder, event, "filter"), filterFor(used));
          writeFileSync(join(folder, "trace"), "");
        }
        looks += 1;
        if (looks % looksPerSearch === 0) follow();
        if (watch && performance.now() < watch.until && readProcFile(`/proc/${initPid}/stat`) !== undefined) return;
      } catch {
        // The container or tracefs has gone.
      }
      end(name);
      void unmountIfUnused();
    };
    return { initPid, folder, since: Date.now(), used, until: 0, timer: setInterval(look, lookMilliseconds).unref() };
  };

  return {
    async look(name, initPid) {
      if (watches.get(name)?.initPid !== initPid) {
        preparing ??= prepare().finally(() => {
          preparing = undefined;
        });
        await preparing;
      }
      let watch = watches.get(name);
      if (watch?.initPid !== initPid) {
        end(name);
        removeLeftOvers();
        watch = begin(name, initPid);
        watches.set(name, watch);
      }
      watch.until = performance.now() + leaseMilliseconds;
      const { since, used } = watch;
      return { since, used: capabilityNames.filter((one) => used.has(one)) };
    },
    async close() {
      for (const name of [...watches.keys()]) end(name);
      await unmountIfUnused();
    },
  };
}

/** Granted ones that are not known yet, in the words of a filter (Documentation/trace/events.rst). */
export function filterFor(known: ReadonlySet<CapabilityName>): string {
  return ["ret == 0", ...capabilityNames.flatMap((name, number) => (known.has(name) ? [`cap != ${number}`] : []))].join(" && ");
}

/**
 * The capabilities in a trace. A line begins with the name of a program, which is that program's own word, of 15 bytes at most: too short
 * to say what the end of a line does.
 */
export function usedIn(trace: string): CapabilityName[] {
  const numbers = [...trace.matchAll(/: cap_capable: cred \S+, target_ns \S+, capable_ns \S+, cap (\d+), ret 0$/gm)].map((match) =>
    Number(match[1]),
  );
  return capabilityNames.filter((_, number) => numbers.includes(number));
}

/** Any hierarchy tells which processes a container has. */
function processesFolder(name: string, initPid: number): string | undefined {
  const cgroups = payloadCgroups(name, initPid);
  return cgroups?.unified ?? cgroups?.pids ?? cgroups?.memory ?? cgroups?.cpu;
}

function threadsOf(pid: number): number[] {
  return namesIn(`/proc/${pid}/task`).map(Number);
}

/** Of a helper that was killed. */
function removeLeftOvers() {
  for (const { folder, pid } of ownInstances()) if (pid !== process.pid && !existsSync(`/proc/${pid}`)) removeInstance(folder);
}

/** Of this helper and of others. */
function ownInstances(): { folder: string; pid: number }[] {
  return namesIn(join(tracing, "instances")).flatMap((name) => {
    const [, pid] = /^(\d+)-\d+$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "") ?? [];
    return pid !== undefined ? { folder: join(tracing, "instances", name), pid: Number(pid) } : [];
  });
}

function isMountedByUs(): boolean {
  const mounts = parseMountinfo(readProcFile("/proc/self/mountinfo") ?? "");
  return mounts.some(({ mountPoint, type, source }) => mountPoint === tracing && type === "tracefs" && source === mountSource);
}

function removeInstance(folder: string) {
  try {
    writeFileSync(join(folder, event, "enable"), "0");
  } catch {
    // It was not made, or not enabled.
  }
  try {
    rmdirSync(folder);
  } catch {
    // It was not made; or somebody looks into it, and the next helper removes it.
  }
}

function cannotTell(why: string): ProblemError {
  return new ProblemError({ code: "not-supported", what: `This computer's kernel does not tell which of root's rights are used. ${why}` });
}
