import * as z from "zod";

/** What runs in a terminal, who it runs as, and where. */

/** Accounts of a container; as shadow and BusyBox make them, with room for what administrators made by hand. */
export const userName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/);

/** A path inside of a container, free of what would not show. */
const folderInside = z
  .string()
  .max(4096)
  .regex(/^\/[^\p{Cc}]*$/u);

const maxVariables = 32;
/** A letter first: what begins with an underscore belongs to shells and to the language of ours. */
const variableName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);
const variableValue = z
  .string()
  .max(4096)
  .regex(/^[^\0]*$/);

export const terminalKind = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("shell"),
    /** One of `terminal.users`; root where it is absent. Its shell is the one that the container's passwd names. */
    user: userName.optional(),
    /** Where it begins; the user's home where that is absent, or where there is no such folder. */
    directory: folderInside.optional(),
    environment: z
      .record(variableName, variableValue)
      .refine((variables) => Object.keys(variables).length <= maxVariables, `at most ${maxVariables} variables`)
      .optional(),
  }),
  /** What the container's own /dev/console shows, and the last that it wrote there before where LXC keeps that. */
  z.strictObject({ type: z.literal("console") }),
  /** Runs once, as root, with the arguments as they are: no shell reads them. */
  z.strictObject({
    type: z.literal("command"),
    argv: z
      .array(
        z
          .string()
          .max(4096)
          .regex(/^[^\0]*$/),
      )
      .min(1)
      .max(64)
      .refine(([program]) => program !== "", "the program has no name"),
  }),
]);
export type TerminalKind = z.infer<typeof terminalKind>;

/** A plain name for a file that is uploaded: one component of a path, which shows as what it is. */
export const uploadedFileName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\p{Cc}\p{Cs}]+$/u)
  .refine((name) => name !== "." && name !== "..", "no name of a file")
  .refine((name) => utf8Length(name) <= 255, "longer than file systems take");

/** An account of a container that a person can be in it. */
export type TerminalUser = { name: string; uid: number; gid: number; home: string; shell: string };

/** How a terminal ended. Nothing of it is known where `lost`: the helper ended, and what ran there with it. */
export type TerminalEnd = { exitCode?: number | undefined; signal?: number | undefined; lost?: true };

/** A terminal that the host keeps, whatever page shows it. */
export type OpenTerminal = {
  channel: number;
  /** The container's. */
  name: string;
  kind: TerminalKind;
  title: string;
  /** Milliseconds since 1970. */
  openedAt: number;
  columns: number;
  rows: number;
  /** Once it has ended; it stays, with its text, until it is closed. */
  ended?: TerminalEnd;
};

/** A terminal as it is listed to a page, with who shows it just now. */
export type ListedTerminal = OpenTerminal & { shownBy: "this-page" | "another-page" | "none" };

/** What a page needs to show a terminal as it was: first the checkpoint's bytes come on the channel, then output from `offset` on. */
export type AttachedTerminal = OpenTerminal & {
  /** So many bytes of UTF-8 come first: what `terminals.checkpoint` was given. */
  checkpointBytes: number;
  /** The size that the checkpoint was made with. */
  checkpointColumns: number;
  checkpointRows: number;
  /** Cumulative bytes of output before those that follow the checkpoint; `terminal.ack` counts on from here. */
  offset: number;
  /** So many bytes between the checkpoint and `offset` are not here any more. */
  missingBytes: number;
};

/** So much text, in UTF-16 code units, a checkpoint may have; a page makes a smaller one of less scrollback. */
export const maxCheckpointLength = 2 * 1024 * 1024;
/** It comes in parts, because what a page sends in one message is limited; JSON may write six bytes for each unit. */
export const maxCheckpointPartLength = 32 * 1024;

function utf8Length(text: string): number {
  const lengthOf = (codePoint: number) => (codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4);
  return [...text].reduce((sum, character) => sum + lengthOf(character.codePointAt(0) ?? 0), 0);
}
