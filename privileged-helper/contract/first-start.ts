import * as z from "zod";

/**
 * What is done in a new container once it runs, by its own programs and as its own root: packages, a user, a command. Names become
 * arguments of those programs, so none can be taken for an option, and a key is one line without anything before its type.
 */

const maxPackages = 100;
const maxKeyCharacters = 8192;
const maxCommandCharacters = 16_384;

const userName = /^[a-z_][a-z0-9_-]{0,31}$/;
/** A hyphen at the end would have apt remove the package. Fedora and Arch have names with capitals. */
const packageName = /^[A-Za-z0-9](?:[A-Za-z0-9+.:_-]{0,126}[A-Za-z0-9+._])?$/;
/** sshd(8), "AUTHORIZED_KEYS FILE FORMAT", without the options, which come first there. */
const keyTypes: ReadonlySet<string> = new Set([
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
]);
/** Where nothing of a line could do more than be read: no control characters, no marks that turn text round. */
const plainLine = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;

/** Why a user cannot be called so, as a sentence for the person who types it. */
export function explainUserName(name: string): string | undefined {
  if (name === "") return "Type a name.";
  if (userName.test(name)) return undefined;
  return "A user's name has lower-case letters, digits, _ and -, at most 32, and begins with a letter.";
}

/** Why a text is no public key that a user could be given. */
export function explainPublicKey(text: string): string | undefined {
  if (text === "") return "Paste a key.";
  if (text.includes("PRIVATE KEY")) return "This is a private key. Paste the public one: the file whose name ends in .pub.";
  if (/[\r\n]/.test(text)) return "A public key is one line.";
  if (text.length > maxKeyCharacters) return `A key has at most ${maxKeyCharacters} characters.`;
  if (!plainLine.test(text)) return "There are characters in it that cannot be seen.";
  const [type = "", blob = ""] = text.split(" ");
  if (!keyTypes.has(type)) return "A public key begins with its type, such as ssh-ed25519.";
  if (typeInside(blob) !== type) return "This key is damaged: it does not hold what its type says.";
  return undefined;
}

/** Why a package cannot be asked for. */
export function explainPackages(names: readonly string[]): string | undefined {
  if (names.length === 0) return "Type names of packages.";
  if (names.length > maxPackages) return `At most ${maxPackages} packages.`;
  const wrong = names.find((name) => !packageName.test(name));
  return wrong === undefined ? undefined : `"${wrong.slice(0, 40)}" is no name of a package: use letters, digits and + . : _ - only.`;
}

/** Why a command cannot be taken. */
export function explainCommand(command: string): string | undefined {
  if (command.trim() === "") return "Type a command.";
  if (command.length > maxCommandCharacters) return `At most ${maxCommandCharacters} characters.`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(command) ? "There are control characters in it." : undefined;
}

/** The first of a key's fields, each of which follows its length in four bytes: its type (RFC 4253, section 6.6). */
function typeInside(blob: string): string | undefined {
  const bytes = decodeBase64(blob);
  if (!bytes) return undefined;
  const length = bytes.slice(0, 4).reduce((value, byte) => value * 256 + byte, 0);
  const hasMore = bytes.length > 4 + length;
  return hasMore ? String.fromCharCode(...bytes.slice(4, 4 + length)) : undefined;
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 4648, section 4; undefined where it is not that. Both sides have functions for it, and not the same. */
function decodeBase64(text: string): number[] | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const digit of text.replace(/=+$/, "")) {
    bits = ((bits << 6) | base64Digits.indexOf(digit)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return bytes;
}

function explained<T extends z.ZodType>(schema: T, explain: (value: z.output<T>) => string | undefined) {
  return schema.superRefine((value, context) => {
    const reason = explain(value);
    if (reason !== undefined) context.addIssue({ code: "custom", message: reason });
  });
}

export const publicKey = explained(z.string().max(maxKeyCharacters), explainPublicKey);

/** Done in this order, so that what makes a user root may be one of the packages. */
export const firstStartSteps = ["packages", "user", "command"] as const;

export const firstStart = z
  .strictObject({
    /** Names of the container's own package manager, whichever that is. */
    packages: explained(z.array(z.string().max(128)).max(maxPackages), explainPackages).optional(),
    /** One who is there already is kept, and given the key. */
    user: z
      .strictObject({
        name: explained(z.string().max(32), explainUserName),
        key: publicKey.optional(),
        /** Without a password, of which a new user has none. */
        mayBecomeRoot: z.boolean(),
      })
      .optional(),
    /** Run by the container's shell, as its root. */
    command: explained(z.string().max(maxCommandCharacters), explainCommand).optional(),
  })
  .refine((steps) => firstStartSteps.some((step) => steps[step] !== undefined), { message: "nothing to do" });
export type FirstStart = z.infer<typeof firstStart>;
