/**
 * A terminal makes CR LF of each LF that is written to it. LXC's tools turn that on for the one that they run on, and write to it what the
 * container's own terminal has printed, with ends of lines as they are to be. This takes the one CR before each LF out again, so that the
 * bytes are the container's, also of a program that has turned its terminal raw. The source: `lxc_setup_tios` in LXC's src/lxc/terminal.c
 * (`ONLCR` and `OPOST`, in all versions from 4.0 to 7.0) and ONLCR in termios(3).
 */
export type LineEnds = {
  /** Takes the next piece, which it changes. @returns What it stands for: a part of it, perhaps with nothing in it. */
  undo(piece: Uint8Array): Uint8Array;
  /** @returns True where a CR at the end of the last piece is held back, because its LF may come yet. */
  holds(): boolean;
  /** No LF comes for it: @returns what was held back. */
  release(): Uint8Array;
};

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

export function createLineEnds(): LineEnds {
  let held = false;
  return {
    undo(piece) {
      if (piece.byteLength === 0) return piece;
      const first = held && piece[0] !== lineFeed;
      held = false;
      let to = piece.indexOf(carriageReturn);
      if (to >= 0) {
        for (let from = to; from < piece.byteLength; from++) {
          const byte = piece[from] as number;
          if (byte === carriageReturn) {
            if (from + 1 === piece.byteLength) {
              held = true;
              break;
            }
            if (piece[from + 1] === lineFeed) continue;
          }
          piece[to++] = byte;
        }
      }
      const rest = to < 0 ? piece : piece.subarray(0, to);
      if (!first) return rest;
      const whole = new Uint8Array(rest.byteLength + 1);
      whole[0] = carriageReturn;
      whole.set(rest, 1);
      return whole;
    },
    holds: () => held,
    release() {
      if (!held) return new Uint8Array();
      held = false;
      return Uint8Array.of(carriageReturn);
    },
  };
}
