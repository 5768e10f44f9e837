import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, median, milliseconds, timed } from "./figures.ts";

const debian = "audited";
const rounds = 15;
const barOfOneMilliseconds = 2_000;
const barOfAllMilliseconds = 10_000;
const keys = 60;
const keyPauseMilliseconds = 25;
const barTimesSlower = 1.5;

/**
 * The whole audit of one Debian container that runs, and of all there are, which are `running` clones beside it; and how long a key takes to
 * come back in a shell meanwhile, against one while nothing is looked at.
 * @param shellIn A container that runs.
 */
export async function auditFigures(helper: HelperClient, shellIn: string, running: number): Promise<Figure[]> {
  const makesDebian = {
    name: debian,
    source: { type: "template", template: "debian", options: { release: "bookworm" } },
    unprivileged: true,
    start: true,
    address: "static",
  } as const;
  await helper.call("containers.create", makesDebian);
  const one: number[] = [];
  for (let round = 0; round < rounds; round++) one.push(await timed(() => helper.call("security.audit", { name: debian })));
  const quiet = await keysOf(helper, shellIn);
  const all: number[] = [];
  let isAuditing = true;
  const auditing = (async () => {
    // As often as the keys below need it.
    while (isAuditing) all.push(await timed(() => helper.call("security.auditAll", {})));
  })();
  const busy = await keysOf(helper, shellIn);
  isAuditing = false;
  await auditing;
  await helper.call("containers.forceStop", { name: debian });
  await helper.call("containers.destroy", { name: debian });
  const slowest = { one: Math.max(...one), all: Math.max(...all) };
  const ratio = median(busy) / median(quiet);
  return [
    {
      name: "The whole audit of one Debian container, the slowest of them",
      ours: milliseconds(slowest.one),
      theirs: "none",
      result: `${milliseconds(slowest.one)} (median ${milliseconds(median(one))})`,
      bar: `at most ${barOfOneMilliseconds} ms`,
      met: slowest.one <= barOfOneMilliseconds,
    },
    {
      name: `The audit of ${running} containers and a Debian, the slowest of ${all.length}`,
      ours: milliseconds(slowest.all),
      theirs: "none",
      result: milliseconds(slowest.all),
      bar: `at most ${barOfAllMilliseconds} ms`,
      met: slowest.all <= barOfAllMilliseconds,
    },
    {
      name: "A key in a shell meanwhile, against one while nothing is audited",
      ours: milliseconds(median(busy)),
      theirs: milliseconds(median(quiet)),
      result: `${ratio.toFixed(2)} times (the slowest ${milliseconds(Math.max(...busy))} against ${milliseconds(Math.max(...quiet))})`,
      bar: `at most ${barTimesSlower} times`,
      met: ratio <= barTimesSlower,
    },
  ];
}

/** How long single keys take from the helper's client to the shell and back, each echoed by its terminal. */
async function keysOf(helper: HelperClient, name: string): Promise<number[]> {
  const { channel } = await helper.call("terminal.open", { name, columns: 80, rows: 24, kind: { type: "command", argv: ["cat"] } });
  let received = 0;
  let onEcho: (() => void) | undefined;
  helper.onData((of, bytes) => {
    if (of !== channel) return;
    received += bytes.length;
    helper.notify("terminal.ack", { channel, bytes: received });
    onEcho?.();
  });
  const times: number[] = [];
  for (let key = -5; key < keys; key++) {
    const time = await timed(() => {
      const echoed = new Promise<void>((resolve) => {
        onEcho = resolve;
      });
      helper.sendData(channel, Buffer.from("x"));
      return echoed;
    });
    if (key >= 0) times.push(time);
    await new Promise((resolve) => setTimeout(resolve, keyPauseMilliseconds));
  }
  helper.onData(() => {});
  await helper.call("terminal.close", { channel });
  return times;
}
