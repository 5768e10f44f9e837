import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Who may connect: a token is printed in the address and works once; in exchange its tab gets a secret, which works as long as
 * the app runs. Only hashes are kept, and comparing takes as long for a wrong one as for the right one.
 */
export type Tickets = {
  /** A new token of 256 bits, in hexadecimal. */
  issueToken(): string;
  /** @returns A secret for a token that was not used before. */
  redeem(token: string): string | undefined;
  knows(secret: string): boolean;
};

const bytes = 32;
/** Nobody opens the app more often than this; the oldest are forgotten. */
const keptTickets = 64;

export function createTickets(): Tickets {
  const tokens: Buffer[] = [];
  const secrets: Buffer[] = [];
  const issue = (to: Buffer[]) => {
    const value = randomBytes(bytes).toString("hex");
    to.push(digest(value));
    if (to.length > keptTickets) to.shift();
    return value;
  };
  const find = (among: readonly Buffer[], value: string) => {
    const wanted = digest(value);
    return among.reduce((found, one, index) => (timingSafeEqual(one, wanted) ? index : found), -1);
  };
  return {
    issueToken: () => issue(tokens),
    redeem(token) {
      const index = find(tokens, token);
      if (index < 0) return undefined;
      tokens.splice(index, 1);
      return issue(secrets);
    },
    knows: (secret) => find(secrets, secret) >= 0,
  };
}

function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
