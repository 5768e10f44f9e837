import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { methods } from "../../../privileged-helper/contract/methods.ts";
import {
  areOptionsGood,
  explainLimit,
  explainNetwork,
  type Limit,
  limitRanges,
  mayReserveAddress,
  networkChoices,
  toOptions,
  untouchedOptions,
} from "./option-values.ts";

const { resources, network } = methods["containers.create"].params.shape;
const limits = Object.keys(limitRanges) as Limit[];

describe("a limit", () => {
  it("may be left out, and is then not asked for", () => {
    expect(limits.map((limit) => explainLimit(limit, ""))).toEqual(limits.map(() => undefined));
    expect(toOptions(untouchedOptions)).toEqual({ autostart: false });
  });

  it("is a number within what the helper takes", () => {
    expect(explainLimit("cpus", 0.5)).toBeUndefined();
    expect(explainLimit("cpus", 0)).toBe("Type at least 0.1, or nothing.");
    expect(explainLimit("memoryMebibytes", 15)).toBe("Type at least 16, or nothing.");
    expect(explainLimit("memoryMebibytes", 512.5)).toBe("Type a whole number, or nothing.");
    expect(explainLimit("processes", 7)).toBeDefined();
    expect(explainLimit("processes", 4_194_305)).toBe("Type at most 4194304, or nothing.");
    for (const limit of limits) for (const typed of ["-", ".", "many"]) expect(explainLimit(limit, typed), typed).toBeDefined();
  });

  it("is asked for in the helper's own units", () => {
    expect(toOptions({ ...untouchedOptions, cpus: 1.5, memoryMebibytes: "256", processes: 100, diskMebibytes: 1024 }).resources).toEqual({
      cpus: 1.5,
      memoryBytes: 268_435_456,
      processes: 100,
      diskBytes: 1_073_741_824,
    });
  });

  it("that the form takes is one that the helper takes, at both ends and wherever else", () => {
    for (const limit of limits) {
      const { min, max, isWhole } = limitRanges[limit];
      const numbers = isWhole ? fc.integer({ min: min - 1, max: max + 1 }) : fc.double({ min: 0, max: max + 1, noNaN: true });
      fc.assert(
        fc.property(numbers, (typed) => {
          fc.pre(explainLimit(limit, typed) === undefined);
          expect(resources.safeParse(toOptions({ ...untouchedOptions, [limit]: typed }).resources).success).toBe(true);
        }),
        { examples: [[min], [max]] },
      );
    }
  });
});

describe("a network", () => {
  it("is one of this computer's bridges, none, or this computer's own", () => {
    expect(networkChoices("default", false, ["lxcbr0", "virbr0"]).map(({ label }) => label)).toEqual([
      "As usual on this computer",
      "Bridge lxcbr0",
      "Bridge virbr0",
      "None",
      "This computer's own",
    ]);
    expect(networkChoices("default", true, [])[0]).toEqual({ value: "default", label: "As its base" });
  });

  it("is asked for where it is not the usual one", () => {
    const asked = networkChoices("default", false, ["br0"]).map(({ value }) => toOptions({ ...untouchedOptions, network: value }).network);
    expect(asked).toEqual([undefined, { type: "bridge", bridge: "br0" }, { type: "none" }, { type: "host" }]);
    for (const one of asked) expect(network.safeParse(one).success).toBe(true);
  });

  it("of this computer is for privileged containers alone", () => {
    expect(explainNetwork("host", true)).toMatch(/privileged/);
    expect(explainNetwork("host", false)).toBeUndefined();
    expect(explainNetwork("none", true)).toBeUndefined();
    expect(areOptionsGood({ ...untouchedOptions, network: "host" }, true)).toBe(false);
    expect(areOptionsGood({ ...untouchedOptions, network: "host" }, false)).toBe(true);
    expect(areOptionsGood({ ...untouchedOptions, processes: 1 }, false)).toBe(false);
  });

  it("that is gone is named, and refused until another one is chosen", () => {
    const of = (bridges?: readonly string[]) => networkChoices("bridge:br7", false, bridges).map(({ label }) => label);
    expect(of(["lxcbr0"])).toContain("Bridge br7 (not on this computer)");
    expect(of(["br7"]).filter((label) => label.includes("br7"))).toEqual(["Bridge br7"]);
    expect(explainNetwork("bridge:br7", true, ["lxcbr0"])).toBe("There is no bridge br7 on this computer. Choose another network.");
    expect(areOptionsGood({ ...untouchedOptions, network: "bridge:br7" }, true, ["lxcbr0"])).toBe(false);
    expect(areOptionsGood({ ...untouchedOptions, network: "bridge:br7" }, true, ["br7"])).toBe(true);
    // Nothing is refused for what is not known yet.
    expect(of()).toContain("Bridge br7");
    expect(explainNetwork("bridge:br7", true)).toBeUndefined();
  });

  it("has addresses to reserve where it is LXC's own bridge, or may be", () => {
    expect((["default", "bridge:lxcbr0", "bridge:br0", "none", "host"] as const).map((one) => mayReserveAddress(one, "lxcbr0"))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(mayReserveAddress("bridge:br0", undefined)).toBe(false);
  });
});

it("starting with the computer is asked for", () => {
  expect(toOptions({ ...untouchedOptions, autostart: true })).toEqual({ autostart: true });
});
