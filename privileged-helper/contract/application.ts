import * as z from "zod";

/**
 * What a container runs where it is no system of its own but one application, as images of Docker and OCI say it (OCI image
 * specification, config.md). Both sides parse it with this: it comes from strangers, and a person may change it.
 */

/** The kernel takes 128 KiB as one argument, and a character has up to three bytes. */
const maxWordCharacters = 40 * 1024;
/** All of it goes in one request, which has 256 KiB. */
const maxApplicationCharacters = 80 * 1024;
const maxPathCharacters = 1024;

/** Programs get everything but the byte that ends a text. */
const word = z
  .string()
  .max(maxWordCharacters, "is too long")
  .regex(/^[^\0]*$/, "holds a zero byte");
const path = z
  .string()
  .max(maxPathCharacters, "is too long")
  .regex(/^\/[^\0\n]*$/, "is not an absolute path")
  .refine((text) => !text.split("/").some((part) => part === ".." || part === "."), "has . or .. in it");
const userOrGroup = "(?:[0-9]{1,10}|[A-Za-z_][A-Za-z0-9_.-]{0,63}\\$?)";

/** Signals that one may be stopped by. */
export const stopSignals = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGKILL",
  "SIGUSR1",
  "SIGUSR2",
  "SIGTERM",
  "SIGWINCH",
  "SIGPWR",
  "SIGRTMIN+3",
  "SIGRTMIN+4",
] as const;

const fields = {
  /** The program and its arguments. An image may leave it open. */
  argv: z.array(word).max(512, "is too much"),
  /** `NAME=VALUE`. */
  environment: z.array(word.regex(/^[^=]+=/, "is not NAME=VALUE")).max(512, "is too much"),
  workingDirectory: path,
  /** A name or number, and after a colon that of a group; empty is root. */
  user: z.string().regex(new RegExp(`^(?:${userOrGroup}(?::${userOrGroup})?)?$`), "is not a user, or a user and a group"),
  /** What it listens on, for people: everything on the container's own address can be reached. */
  ports: z.array(z.string().regex(/^[0-9]{1,5}(?:-[0-9]{1,5})?\/(?:tcp|udp|sctp)$/)).max(256),
  /** Folders that it keeps data in. */
  volumes: z.array(path).max(64),
  stopSignal: z.enum(stopSignals),
};

export const application = z
  .strictObject(fields)
  .refine((value) => JSON.stringify(value).length <= maxApplicationCharacters, "is too long");
export type Application = z.infer<typeof application>;

/** Why a part of an application cannot be taken, as a sentence for the person who types it; undefined where it can. */
export function explainApplicationPart(part: keyof typeof fields, value: unknown): string | undefined {
  const parsed = fields[part].safeParse(value);
  return parsed.success ? undefined : `This ${parsed.error.issues[0]?.message}.`;
}

/** Why an application cannot be started; undefined where it can. */
export function explainApplication({ argv }: Pick<Application, "argv">): string | undefined {
  return argv[0] ? undefined : "The image does not say which program to start: type one.";
}
