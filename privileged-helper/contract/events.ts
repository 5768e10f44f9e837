import * as z from "zod";
import type { AlertList } from "./alerts.ts";
import type { HistoryEvent } from "./history.ts";
import type { ContainersChanged, LogKind, MetricsTick, Session, Settings, TasksChanged } from "./model.ts";
import type { TerminalEnd } from "./terminal.ts";

/** Notifications that go up to the renderer, without an answer. */
export type Events = {
  /** From the host. */
  "session.changed": Session;
  /** From the host: another page has changed them. */
  "settings.changed": Settings;
  /** `downloads.list` has another answer now. How far a download is, its task tells. */
  "downloads.changed": Record<string, never>;
  /** Something has just happened to a container; `history.events` has it from now on. */
  "history.event": HistoryEvent;
  /** `alerts.list` has this answer now. */
  "alerts.changed": AlertList;
  /** From the helper, below; the host adds its own tasks to the helper's. */
  "containers.changed": ContainersChanged;
  "tasks.changed": TasksChanged;
  "tasks.output": { task: string; text: string };
  "metrics.tick": MetricsTick;
  /** For history and alerts, which the host keeps. */
  "metrics.recorded": MetricsTick;
  /** `reset` means that the file was cut or replaced: `text` is all there is. */
  "logs.appended": { name: string; log: LogKind; text: string; reset: boolean };
  /** How many bytes of an upload are on disk, cumulative. */
  "uploads.written": { channel: number; bytes: number };
  /** `images.list` has another answer now. */
  "images.changed": Record<string, never>;
  /** All of its output was sent before. */
  "terminal.exited": { channel: number } & TerminalEnd;
  /** From the host: it would like a `terminals.checkpoint`, when the page has a moment in which nothing comes. */
  "terminals.checkpointWanted": { channel: number };
  /** From the host: another page shows this terminal now, and this one gets nothing of it any more. */
  "terminals.taken": { channel: number };
  /** From the host: of what another page has done, or of its end, `terminals.list` has another answer now. */
  "terminals.changed": Record<string, never>;
};
export type EventName = keyof Events;

/** The first message of the helper. */
export const helloNotification = "hello";
export const hello = z.object({
  version: z.string().max(64),
  protocol: z.int(),
  mode: z.enum(["full", "limited", "root"]),
});
export type Hello = z.infer<typeof hello>;

/** Grows when a message changes its meaning. Both sides are installed together, so they must agree exactly. */
export const protocolVersion = 1;

/** Notifications that go down to the helper. */
export const downNotifications = {
  /** Cumulative bytes of a terminal's output that the receiver has parsed. */
  "terminal.ack": z.strictObject({ channel: z.int().min(1).max(0xffffffff), bytes: z.int().min(0) }),
  /** The host is alive. The helper ends when these stop coming. */
  heartbeat: z.strictObject({}),
  /** A page is gone: forget its subscriptions. Another one may come, so its terminals stay. */
  reset: z.strictObject({}),
  /** No page comes any more: its terminals end, too. */
  abandon: z.strictObject({}),
} as const;
export type DownNotificationName = keyof typeof downNotifications;

/** So many bytes of an upload may be under way to the disk; whoever sends more loses the upload. */
export const maxUnwrittenBytes = 1024 * 1024;

export const heartbeatEveryMilliseconds = 5_000;
/** Six missed heartbeats: libvirt's keepalive of 5 x 5 s with one period of grace. */
export const heartbeatLostAfterMilliseconds = 30_000;
