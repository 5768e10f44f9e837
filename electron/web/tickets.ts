import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Who may connect: a token is part of an address and works once, for a while; in exchange its tab gets a secret, which works as long
 * as the app runs. Only hashes are kept, and comparing takes as long for a wrong one as for the right one.
 */
export type Tickets = {
  /** A new token of 256 bits, in hexadecimal. */
  issueToken(validMilliseconds: number): string;
  /** @returns A secret for a token that was not used before and is still valid. */
  redeem(token: string): string | undefined;
  knows(secret: string): boolean;
};

const bytes = 32;
/** Nobody opens the app more often than this; the oldest are forgotten. */
const keptTickets = 64;

type Ticket = { hash: Buffer; validUntil: number };

/** @param clock Milliseconds that only ever grow. */
export function createTickets(clock = () => performance.now()): Tickets {
  const tokens: Ticket[] = [];
  const secrets: Ticket[] = [];
  const issue = (to: Ticket[], validMilliseconds: number) => {
    const value = randomBytes(bytes).toString("hex");
    to.push({ hash: digest(value), validUntil: clock() + validMilliseconds });
    if (to.length > keptTickets) to.shift();
    return value;
  };
  const find = (among: readonly Ticket[], value: string) => {
    const wanted = digest(value);
    return among.reduce((found, { hash }, index) => (timingSafeEqual(hash, wanted) ? index : found), -1);
  };
  return {
    issueToken: (validMilliseconds) => issue(tokens, validMilliseconds),
    redeem(token) {
      const index = find(tokens, token);
      const [ticket] = index < 0 ? [] : tokens.splice(index, 1);
      return ticket && ticket.validUntil > clock() ? issue(secrets, Number.POSITIVE_INFINITY) : undefined;
    },
    knows: (secret) => find(secrets, secret) >= 0,
  };
}

function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
