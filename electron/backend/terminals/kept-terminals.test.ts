import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { maxCheckpointPartLength } from "../../../privileged-helper/contract/terminal.ts";
import { createCredit, pauseAboveBytes } from "../../../privileged-helper/wire/credit.ts";
import { createKeptTerminals, type KeptTerminals } from "./kept-terminals.ts";
import { createOutputBuffer } from "./output-buffer.ts";

let terminals: KeptTerminals<string>;
/** What each page was told that another one took. */
let taken: string[];
let sent: string;
let sentToOther: string;
let wanted: number[];
let acknowledged: number[];
const channel = 7;
const megabyte = 1024 * 1024;

beforeEach(() => {
  sent = "";
  sentToOther = "";
  wanted = [];
  acknowledged = [];
  taken = [];
  terminals = createKeptTerminals({
    sendToPage: (page, _channel, bytes) => {
      if (page === "page") sent += Buffer.from(bytes).toString();
      else sentToOther += Buffer.from(bytes).toString();
    },
    wantCheckpoint: (_page, which) => wanted.push(which),
    taken: (page, which) => taken.push(`${page} ${which}`),
    acknowledge: (_channel, bytes) => acknowledged.push(bytes),
  });
});
const open = () => terminals.opened("page", { channel, name: "web", kind: { type: "shell" }, title: "root", columns: 80, rows: 24 });
const output = (text: string) => terminals.receive(channel, Buffer.from(text));
const checkpoint = (bytes: number, text: string) =>
  terminals.checkpoint("page", { channel, bytes, columns: 100, rows: 30, at: 0, part: text, isLast: true });
/** The page goes, and the next one shows it. */
const reload = () => {
  terminals.pageGone("page");
  sent = "";
  return terminals.attach("page", channel);
};

describe("a terminal that is kept", () => {
  it("shows the next page what it showed, also what came before its opening was answered and while nobody was there", () => {
    output("early ");
    expect(sent).toBe("");
    open();
    output("then ");
    expect(sent).toBe("early then ");
    terminals.pageGone("page");
    output("unseen ");
    expect(sent).toBe("early then ");
    expect(reload()).toMatchObject({ offset: 0, missingBytes: 0, checkpointBytes: 0, columns: 80, name: "web" });
    output("now");
    expect(sent).toBe("early then unseen now");
  });

  it("shows a checkpoint and what came after it, whatever parts that came in", () => {
    open();
    output("0123456789");
    const text = "é".repeat(maxCheckpointPartLength + 10);
    const part = (at: number) => text.slice(at, at + maxCheckpointPartLength);
    const send = (at: number, isLast: boolean) =>
      terminals.checkpoint("page", { channel, bytes: 6, columns: 100, rows: 30, at, part: part(at), isLast });
    send(0, false);
    // Begun once more.
    send(0, false);
    output("abc");
    send(maxCheckpointPartLength, true);
    expect(reload()).toMatchObject({ offset: 6, checkpointBytes: 2 * text.length, checkpointColumns: 100, checkpointRows: 30 });
    expect(sent).toBe(`${text}6789abc`);
  });

  it("takes no checkpoint of what has not come, of less than the last one, of missing parts, or of a page that is gone", () => {
    open();
    output("0123456789");
    checkpoint(11, "of the future");
    checkpoint(5, "five");
    checkpoint(4, "four");
    terminals.checkpoint("page", { channel, bytes: 8, columns: 1, rows: 1, at: 3, part: "middle", isLast: true });
    terminals.pageGone("page");
    checkpoint(9, "too late");
    terminals.checkpoint("page", { channel: 99, bytes: 0, columns: 1, rows: 1, at: 0, part: "", isLast: true });
    reload();
    expect(sent).toBe("five56789");
  });

  it("asks for one checkpoint when there is much, and for another only when that has come", () => {
    open();
    const much = "x".repeat(600 * 1024);
    output(much);
    output(much);
    expect(wanted).toEqual([channel]);
    checkpoint(2 * much.length, "");
    expect(wanted).toEqual([channel]);
    output(much);
    expect(wanted).toEqual([channel, channel]);
  });

  it("gives up the oldest lines where a page makes none, and says how much that is", () => {
    open();
    const lines = `${"line ".repeat(20)}\n`.repeat(1000);
    let all = "";
    for (let i = 0; i < 60; i++) {
      output(lines);
      all += lines;
    }
    const { offset, missingBytes, checkpointBytes } = reload();
    expect(checkpointBytes).toBe(0);
    expect(missingBytes).toBeGreaterThan(3 * megabyte);
    expect(all.length - offset).toBeGreaterThan(megabyte);
    expect(all.length - offset).toBeLessThanOrEqual(2 * megabyte);
    expect(sent).toBe(all.slice(offset));
    expect(all[offset - 1]).toBe("\n");
  });

  it("lets the helper go on while no page is there, and then pauses it: nothing is lost, and nothing grows", () => {
    open();
    let paused = false;
    const credit = createCredit(
      () => {
        paused = true;
      },
      () => {
        paused = false;
      },
    );
    terminals.pageGone("page");
    let produced = 0;
    for (; !paused && produced < 16 * megabyte; produced += 64 * 1024) {
      credit.sent(64 * 1024);
      terminals.receive(channel, new Uint8Array(64 * 1024).fill(97));
      credit.parsed(acknowledged.at(-1) ?? 0);
    }
    expect(paused).toBe(true);
    expect(produced).toBeLessThanOrEqual(2 * megabyte);
    expect(reload()).toMatchObject({ offset: 0, missingBytes: 0 });
    expect(sent.length).toBe(produced);
    // The page parses it all, and it goes on.
    terminals.acknowledge("page", channel, produced);
    credit.parsed(acknowledged.at(-1) ?? 0);
    expect(paused).toBe(false);
    expect(credit.outstandingBytes()).toBeLessThan(pauseAboveBytes);
  });

  it("passes on what a page has parsed, and nothing for one that shows it not", () => {
    open();
    output("text");
    terminals.acknowledge("page", channel, 3);
    terminals.acknowledge("page", 99, 3);
    terminals.detach("page", channel);
    terminals.acknowledge("page", channel, 1);
    expect(acknowledged).toEqual([3, 4]);
  });

  it("belongs to one page at a time, and another one that attaches takes it over", () => {
    const shownBy = (page: string) => terminals.list(page).map((one) => one.shownBy);
    open();
    output("first ");
    expect([shownBy("page"), shownBy("other")]).toEqual([["this-page"], ["another-page"]]);
    expect(terminals.attach("other", channel)).toMatchObject({ offset: 0 });
    expect(taken).toEqual([`page ${channel}`]);
    output("second");
    expect([sent, sentToOther]).toEqual(["first ", "first second"]);
    // What the one before says of it comes too late.
    terminals.acknowledge("page", channel, 5);
    terminals.detach("page", channel);
    checkpoint(5, "of the page before");
    expect(acknowledged).toEqual([]);
    expect([terminals.isShownBy("page", channel), terminals.isShownBy("other", channel)]).toEqual([false, true]);
    expect(terminals.pageGone("page")).toBe(false);
    expect(terminals.pageGone("other")).toBe(true);
    expect(shownBy("page")).toEqual(["none"]);
    expect(reload()).toMatchObject({ offset: 0, checkpointBytes: 0 });
    expect(sent).toBe("first second");
  });

  it("keeps its text and how it ended until it is closed", () => {
    open();
    output("bye");
    terminals.exited(channel, { exitCode: 3 });
    terminals.helperLost();
    expect(reload()).toMatchObject({ ended: { exitCode: 3 } });
    expect(sent).toBe("bye");
    terminals.closed(channel);
    expect(terminals.list()).toEqual([]);
    expect(() => terminals.attach("page", channel)).toThrow("not-found");
    open();
    terminals.helperLost();
    expect(terminals.list()).toMatchObject([{ channel, ended: { lost: true } }]);
  });
});

it("the buffer has every byte from its start on, whatever is appended and dropped", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("append" as const), size: fc.integer({ min: 0, max: 150_000 }) }),
    fc.record({ do: fc.constant("dropBefore" as const), size: fc.integer({ min: 0, max: 400_000 }) }),
    fc.record({ do: fc.constant("dropTo" as const), size: fc.integer({ min: 0, max: 200_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const buffer = createOutputBuffer();
      let all = Buffer.alloc(0);
      for (const { do: what, size } of steps) {
        if (what === "append") {
          const bytes = Buffer.from(Array.from({ length: size % 997 }, (_, index) => (all.length + index) % 251));
          const repeated = Buffer.concat(Array.from({ length: Math.ceil(size / 997) }, () => bytes));
          buffer.append(repeated);
          all = Buffer.concat([all, repeated]);
        } else buffer[what](size);
        expect(buffer.end()).toBe(all.length);
        expect(Buffer.concat(buffer.from(0)).equals(all.subarray(buffer.start()))).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});
