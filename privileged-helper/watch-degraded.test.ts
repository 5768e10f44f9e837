import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { sampleContainer } from "./contract/testing/sample-container.ts";
import { createContainerWatch } from "./watch.ts";

// A host on which other programs have used up all of the kernel's watches.
vi.mock("./lxc/inotify.ts", () => ({ watchPath: () => ({ state: "refused", reason: "ENOSPC: no space left on device, watch" }) }));

it("keeps what it knows while the folder of containers cannot be read, and reads it again later", async () => {
  let trouble: Error | undefined;
  const names = new Set(["web"]);
  const degraded: string[] = [];
  const changes: unknown[] = [];
  const watch = createContainerWatch({
    reader: {
      readAll() {
        if (trouble) throw trouble;
        return [...names].map((name) => sampleContainer(name));
      },
      readOne: (name) => sampleContainer(name),
    },
    lxcPath: "/nonexistent",
    operations: () => new Map(),
    cgroupRoots: () => [],
    onDegraded: (reason) => degraded.push(reason),
  });
  trouble = new Error("ESTALE: stale file handle");
  expect(() => watch.onChanged(() => {})).toThrow("ESTALE");
  trouble = undefined;
  const unsubscribe = watch.onChanged((change) => changes.push(change));
  trouble = new Error("ESTALE: stale file handle");
  await vi.waitFor(() => expect(degraded).toEqual(["ESTALE: stale file handle"]), { timeout: 4_000 });
  expect(watch.snapshot().containers.map(({ name }) => name)).toEqual(["web"]);
  trouble = undefined;
  names.add("db");
  await vi.waitFor(() => expect(changes).toMatchObject([{ changed: [{ name: "db" }], removed: [] }]), { timeout: 4_000 });
  unsubscribe();
});

it("sees changes without the kernel's help, and says once that it has none", async () => {
  const lxcPath = mkdtempSync(join(tmpdir(), "watch-degraded-"));
  const degraded: string[] = [];
  const seen: string[] = [];
  mkdirSync(join(lxcPath, "web"));
  const watch = createContainerWatch({
    reader: {
      readAll: () => readdirSync(lxcPath).map((name) => sampleContainer(name)),
      readOne: (name) => (readdirSync(lxcPath).includes(name) ? sampleContainer(name) : undefined),
    },
    lxcPath,
    operations: () => new Map(),
    cgroupRoots: () => [],
    onDegraded: (reason) => degraded.push(reason),
  });
  const unsubscribe = watch.onChanged(({ changed, removed }) =>
    seen.push(...changed.map(({ name }) => `+${name}`), ...removed.map((name) => `-${name}`)),
  );
  mkdirSync(join(lxcPath, "db"));
  await vi.waitFor(() => expect(seen).toEqual(["+db"]), { timeout: 4_000 });
  rmSync(join(lxcPath, "web"), { recursive: true });
  await vi.waitFor(() => expect(seen).toEqual(["+db", "-web"]), { timeout: 4_000 });
  expect(degraded).toEqual(["ENOSPC: no space left on device, watch"]);
  unsubscribe();
  rmSync(lxcPath, { recursive: true });
});
