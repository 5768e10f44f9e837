import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { isHeld, ownProcess } from "./holder.ts";
import { listFiles } from "./lxc/folder.ts";
import { writeToDisk } from "./lxc/replace-file.ts";

/**
 * What is being made, kept on disk while it is: a helper that is killed in the middle leaves a record, and the next one
 * removes what belongs to it. There is a record before there is anything else, and it goes last.
 *
 * A record is a file `PID.START.COUNT.json`; the name says who holds it, so that a file which is still being written is told
 * apart from one that nobody will ever finish. What changes a container that is kept is on the disk before that begins, so that it is taken
 * back after a power cut, too; for all else there is no fsync: what a power cut leaves half made, LXC's own `partial` file marks as such.
 */
export type JournalRecord = {
  id: string;
  lxcPath: string;
  /** Of a container, or the id of an image. */
  name: string;
  kind: (typeof recordKinds)[number];
  /** Of an image. */
  title?: string;
  /** Of a container that is frozen, or restarted for a change: which start of it. */
  initPid?: number;
  /** Of a container whose configuration is changed. */
  change?: z.infer<typeof change>;
  /** The computer has been started anew since. */
  isOfEarlierBoot?: true;
};

/** What is half made; images; and containers that are frozen for a while, there for a while, being set up, changed, or given to other ids. */
const recordKinds = [
  "create",
  "clone",
  "import",
  "save-image",
  "delete-image",
  "freeze",
  "try",
  "first-start",
  "harden",
  "convert",
  "update",
] as const;
/** A fix, or one that is taken back: its configuration before and after, and by what it is known where decisions about a container are kept. */
const change = z.object({ before: z.string(), after: z.string(), check: z.string(), at: z.number(), isUndo: z.boolean() });
const kindsOnDisk: ReadonlySet<JournalRecord["kind"]> = new Set(["harden", "convert"]);
const kindsOfImages: ReadonlySet<JournalRecord["kind"]> = new Set(["import", "save-image", "delete-image"]);

export function isAboutImage({ kind }: Pick<JournalRecord, "kind">): boolean {
  return kindsOfImages.has(kind);
}

export type Journal = {
  /** Notes that a container or an image is going to be made, an image deleted, or a container frozen or made for a while. */
  begin(work: Omit<JournalRecord, "id" | "isOfEarlierBoot">): {
    /** To be given to every process that works on it: `abandoned` work is found by it. */
    environment: Readonly<Record<string, string>>;
    /** It is finished, or all of it is undone. */
    finish(): void;
  };
  /** Names of the containers below a folder that are being made, or were when a helper was killed. */
  unfinished(lxcPath: string): Set<string>;
  /** Records below a folder whose helper is gone. */
  abandoned(lxcPath: string): JournalRecord[];
  /** When a record was written, milliseconds since the epoch. */
  writtenAt(record: JournalRecord): number;
  /** Takes an abandoned record away, once nothing of it is left. */
  remove(record: JournalRecord): void;
};

/** The variable that marks the processes of unfinished work; its value is the record's id. */
export const operationVariable = "LXC_DESKTOP_OPERATION";

const bootIdPath = "/proc/sys/kernel/random/boot_id";

/** Of the whole process, so that no two files of it ever have one name. */
let count = 0;

const content = z.object({
  lxcPath: z.string().startsWith("/"),
  name: z.string(),
  kind: z.enum(recordKinds),
  title: z.string().optional(),
  initPid: z.number().optional(),
  change: change.optional(),
  bootId: z.string(),
});

export function createJournal(directory = "/var/lib/lxc-desktop/journal"): Journal {
  const bootId = readFileSync(bootIdPath, "utf8").trim();

  const readAll = () => {
    const records: (JournalRecord & { held: boolean })[] = [];
    for (const file of listFiles(directory)) {
      const match = /^((\d+)\.(\d+)\.\d+)\.json$/.exec(file);
      if (!match) continue;
      const [, id = "", pid, startTicks = ""] = match;
      const path = join(directory, file);
      const record = parse(path);
      const held = isHeld({ pid: Number(pid), startTicks }) && (!record || record.bootId === bootId);
      if (record) {
        const { bootId: itsBoot, ...work } = record;
        records.push({ id, ...work, ...(itsBoot !== bootId && { isOfEarlierBoot: true as const }), held });
      }
      // Its helper was killed while it wrote this, so it had made nothing yet.
      else if (!held) rmSync(path, { force: true });
    }
    return records;
  };

  return {
    begin(work) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const self = ownProcess();
      const id = `${self.pid}.${self.startTicks}.${++count}`;
      const path = join(directory, `${id}.json`);
      const text = JSON.stringify({ ...work, bootId });
      try {
        if (kindsOnDisk.has(work.kind)) writeToDisk(path, text, 0o600);
        else writeFileSync(path, text, { flag: "wx", mode: 0o600 });
      } catch (error) {
        // A full disk still has room for its name.
        rmSync(path, { force: true });
        throw error;
      }
      return { environment: { [operationVariable]: id }, finish: () => rmSync(path, { force: true }) };
    },
    unfinished(lxcPath) {
      return new Set(
        readAll()
          .filter((record) => record.lxcPath === lxcPath && (record.kind === "create" || record.kind === "clone"))
          .map(({ name }) => name),
      );
    },
    abandoned(lxcPath) {
      return readAll()
        .filter((record) => record.lxcPath === lxcPath && !record.held)
        .map(({ held, ...record }) => record);
    },
    writtenAt: ({ id }) => statSync(join(directory, `${id}.json`)).mtimeMs,
    remove({ id }) {
      rmSync(join(directory, `${id}.json`), { force: true });
    },
  };
}

function parse(path: string): z.infer<typeof content> | undefined {
  try {
    return content.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
