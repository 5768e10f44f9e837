import { beforeEach, describe, expect, it } from "vitest";
import type { Alert, AlertRule } from "../../../privileged-helper/contract/alerts.ts";
import { type AlertEngine, createAlertEngine } from "./alert-engine.ts";

let begun: Alert[];
let changes: number;
let engine: AlertEngine;
let now: number;
beforeEach(() => {
  begun = [];
  changes = 0;
  now = 1_000_000;
  let id = 0;
  engine = createAlertEngine({
    nextId: () => `a${++id}`,
    onBegun: (alert) => begun.push(alert),
    onChanged: () => {
      changes += 1;
    },
  });
});

const memory: AlertRule = { id: "memory", condition: "memory", abovePercent: 90, forSeconds: 60, enabled: true };
const oom: AlertRule = { id: "oom", condition: "oom-kill", enabled: true };
const ended: AlertRule = { id: "ended", condition: "stopped-unexpectedly", enabled: true };

/** Readings every five seconds. */
function hold(percent: number | undefined, seconds: number, { container = "web", covered = 5_000, figure = "memory" } = {}) {
  for (let at = 0; at < seconds; at += 5) {
    now += 5_000;
    engine.figures(container, { [figure]: percent }, now, covered);
  }
}
const states = () => engine.list().map(({ container, until }) => `${container} ${until === undefined ? "on" : "over"}`);

describe("a figure above its threshold", () => {
  it("is an alert once it has been so for as long as the rule says, once, and is over once", () => {
    engine.setRules([memory]);
    hold(95, 55);
    expect(begun).toEqual([]);
    hold(95, 5);
    expect(begun).toMatchObject([{ id: "a1", rule: "memory", container: "web", condition: "memory", since: now, percent: 95 }]);
    hold(95, 600);
    expect(begun).toHaveLength(1);
    hold(50, 10);
    expect(states()).toEqual(["web on"]);
    hold(50, 10);
    expect(states()).toEqual(["web over"]);
    expect(changes).toBe(2);
    hold(50, 600);
    expect(changes).toBe(2);
  });

  it("that swings around it is one alert, and one that is not held is none", () => {
    engine.setRules([memory]);
    for (let time = 0; time < 30; time++) {
      hold(95, 30);
      hold(89, 5);
    }
    expect(begun).toEqual([]);
    hold(95, 60);
    for (let time = 0; time < 30; time++) {
      hold(88, 20);
      hold(80, 10);
      hold(95, 5);
    }
    expect([begun.length, states()]).toEqual([1, ["web on"]]);
  });

  it("has to be seen for all of that time: a gap counts for nothing, neither way", () => {
    engine.setRules([memory]);
    hold(95, 55);
    engine.gap("web");
    now += 3_600_000;
    hold(95, 5, { covered: 0 });
    hold(95, 55);
    expect(begun).toEqual([]);
    hold(95, 5);
    expect(begun).toHaveLength(1);
    engine.gap("web");
    now += 3_600_000;
    hold(50, 5, { covered: 0 });
    expect(states()).toEqual(["web on"]);
  });

  it("that is not known begins nothing and ends nothing", () => {
    engine.setRules([memory]);
    hold(95, 30);
    hold(undefined, 5);
    hold(95, 30);
    expect(begun).toEqual([]);
    hold(95, 60);
    hold(undefined, 600);
    expect(states()).toEqual(["web on"]);
  });

  it("is over when the container is stopped, and counts from the beginning when it runs again", () => {
    engine.setRules([memory]);
    hold(95, 60);
    engine.stopped("web", now);
    expect(states()).toEqual(["web over"]);
    engine.started("web", now);
    hold(95, 55);
    expect(begun).toHaveLength(1);
    hold(95, 10);
    expect(begun).toHaveLength(2);
  });

  it("is told at once where the rule has no time", () => {
    engine.setRules([{ ...memory, condition: "disk", forSeconds: undefined }]);
    engine.figures("web", { disk: 90.5 }, now, 0);
    expect(begun).toMatchObject([{ condition: "disk", percent: 90.5 }]);
  });
});

describe("rules", () => {
  it("of a container take the place of those for all, also where they are switched off", () => {
    engine.setRules([
      memory,
      { ...memory, id: "web", container: "web" as never, abovePercent: 50, forSeconds: 0 },
      { ...memory, id: "db", container: "db" as never, enabled: false },
    ]);
    hold(60, 5);
    hold(99, 120, { container: "db" });
    hold(99, 120, { container: "mail" });
    expect(begun.map(({ rule, container }) => `${rule} ${container}`)).toEqual(["web web", "memory mail"]);
  });

  it("that are switched off, changed or gone take their alerts with them; others keep theirs", () => {
    engine.setRules([memory, ended]);
    hold(95, 60);
    engine.stoppedUnexpectedly("mail", now, {});
    engine.setRules([ended, { ...memory, abovePercent: 91 }]);
    expect(states()).toEqual(["mail on"]);
    engine.setRules([{ ...ended, enabled: false }]);
    expect(states()).toEqual([]);
    engine.stoppedUnexpectedly("db", now, {});
    expect(states()).toEqual([]);
  });
});

describe("what happens at a moment", () => {
  it("an OOM kill is one alert as long as more follow, and over a minute after the last", () => {
    engine.setRules([oom]);
    for (let kill = 0; kill < 5; kill++) {
      now += 30_000;
      engine.oomKill("web", now);
      engine.pass(now);
    }
    expect(begun).toHaveLength(1);
    engine.pass(now + 59_000);
    expect(states()).toEqual(["web on"]);
    engine.pass(now + 60_000);
    expect(states()).toEqual(["web over"]);
    engine.oomKill("web", now + 120_000);
    expect(begun).toHaveLength(2);
  });

  it("an unexpected stop is one alert until the container runs again", () => {
    engine.setRules([ended]);
    engine.stopped("web", now);
    engine.stoppedUnexpectedly("web", now, {});
    engine.stoppedUnexpectedly("web", now, {});
    expect([begun.length, states()]).toEqual([1, ["web on"]]);
    engine.started("web", now + 1);
    expect(engine.list()).toMatchObject([{ since: now, until: now + 1 }]);
  });

  it("is forgotten with the container", () => {
    engine.setRules([ended, oom]);
    engine.oomKill("web", now);
    engine.stoppedUnexpectedly("web", now, {});
    engine.stoppedUnexpectedly("mail", now, {});
    engine.removed("web");
    expect(states()).toEqual(["mail on"]);
  });
});

describe("an alert that somebody has seen", () => {
  it("is gone from the list, and does not come again while it is still so", () => {
    engine.setRules([memory]);
    hold(95, 60);
    engine.dismiss("a1");
    engine.dismiss("a1");
    engine.dismiss("other");
    hold(95, 600);
    expect([begun.length, states()]).toEqual([1, []]);
    hold(10, 20);
    expect(states()).toEqual([]);
    hold(95, 60);
    expect([begun.length, states()]).toEqual([2, ["web on"]]);
  });

  it("which is over goes for good", () => {
    engine.setRules([memory]);
    hold(95, 60);
    hold(10, 20);
    engine.dismiss("a1");
    expect(states()).toEqual([]);
  });
});

describe("alerts of an earlier run of the app", () => {
  const anew = () => {
    const kept = engine.kept();
    const later = createAlertEngine({ nextId: () => `b${begun.length + 1}`, onBegun: (alert) => begun.push(alert), onChanged: () => {} });
    later.setRules([memory, ended, oom]);
    later.restore(JSON.parse(JSON.stringify(kept)));
    engine = later;
  };
  const running = (startedAt: number) => ({ name: "web", isRunning: true, startedAt });
  const startedBefore = 1;
  beforeEach(() => engine.setRules([memory, ended, oom]));

  it("go on where they are still so, and are no news", () => {
    hold(95, 60);
    anew();
    engine.look([running(startedBefore)], now);
    hold(95, 120);
    expect(begun).toHaveLength(1);
    expect(engine.list()).toEqual(begun);
    hold(10, 20);
    expect(states()).toEqual(["web over"]);
  });

  it("are over at the first look where they are so no more", () => {
    hold(95, 60);
    anew();
    engine.look([running(startedBefore)], now);
    engine.figures("web", { memory: 50 }, now, 0);
    expect(states()).toEqual(["web over"]);
  });

  it("are over where that run has ended, and an unexpected stop where it runs again", () => {
    hold(95, 60);
    engine.oomKill("web", now);
    engine.stoppedUnexpectedly("web", now, { exitCode: 1 });
    anew();
    engine.look([{ name: "web", isRunning: false }], now + 1);
    expect(states()).toEqual(["web on", "web over", "web over"]);
    expect(engine.list()[0]).toMatchObject({ end: { exitCode: 1 } });
    engine.look([running(now + 2)], now + 3);
    expect(engine.list()[0]).toMatchObject({ condition: "stopped-unexpectedly", until: now + 3 });
  });

  it("stay seen, go with their container, and with a rule that is gone", () => {
    hold(95, 60);
    engine.dismiss("a1");
    anew();
    engine.look([running(startedBefore)], now);
    hold(95, 120);
    expect([begun.length, states()]).toEqual([1, []]);
    engine.stoppedUnexpectedly("web", now, {});
    engine.setRules([memory]);
    anew();
    expect(states()).toEqual([]);
    engine.stoppedUnexpectedly("web", now, {});
    engine.look([], now);
    expect(engine.kept()).toEqual([]);
  });
});

it("keeps a bounded number of alerts, and of those the newest", () => {
  engine.setRules([ended]);
  for (let index = 0; index < 2_000; index++) {
    engine.stoppedUnexpectedly(`c${index}`, now + index, {});
    engine.started(`c${index}`, now + index);
  }
  expect(engine.list().length).toBeLessThanOrEqual(500);
  expect(engine.list()[0]?.container).toBe("c1999");
});
