import { describe, expect, it } from "vitest";
import {
  addTab,
  moveTab,
  neighbour,
  noTabs,
  reconcile,
  removeTerminal,
  renameTab,
  showTerminal,
  splitAt,
  stepTab,
  type TabRow,
  terminalsIn,
} from "./terminal-layout.ts";

const three = ["a", "b", "c"].reduce((row, id) => addTab(row, `tab-${id}`, id), noTabs);
const ids = (row: TabRow) => row.tabs.map(({ id }) => id);
const root = (row: TabRow) => row.tabs[0]?.root ?? { type: "terminal" as const, id: "none" };

describe("tabs", () => {
  it("are added right of the current one, and shown", () => {
    expect(ids(three)).toEqual(["tab-a", "tab-b", "tab-c"]);
    const row = addTab({ ...three, current: "tab-a" }, "tab-d", "d");
    expect(ids(row)).toEqual(["tab-a", "tab-d", "tab-b", "tab-c"]);
    expect(row.current).toBe("tab-d");
  });

  it("go with their last terminal, and the one in their place is shown", () => {
    expect(removeTerminal({ ...three, current: "tab-b" }, "b")).toMatchObject({ current: "tab-c" });
    expect(removeTerminal(three, "c")).toMatchObject({ current: "tab-b" });
    expect(removeTerminal(three, "a")).toMatchObject({ current: "tab-c" });
    expect(["a", "b", "c"].reduce(removeTerminal, three)).toEqual({ tabs: [], current: undefined });
  });

  it("are stepped through round the corner", () => {
    expect(stepTab(three, 1).current).toBe("tab-a");
    expect(stepTab({ ...three, current: "tab-a" }, -1).current).toBe("tab-c");
    expect(stepTab(noTabs, 1)).toEqual(noTabs);
  });

  it("are moved within the row, and never out of it", () => {
    expect(ids(moveTab(three, "tab-a", 2))).toEqual(["tab-b", "tab-c", "tab-a"]);
    expect(ids(moveTab(three, "tab-c", -5))).toEqual(["tab-c", "tab-a", "tab-b"]);
    expect(ids(moveTab(three, "unknown", 0))).toEqual(ids(three));
  });

  it("keep a name until it is taken away", () => {
    const named = renameTab(three, "tab-b", "logs");
    expect(named.tabs[1]?.name).toBe("logs");
    expect(renameTab(named, "tab-b", undefined).tabs[1]?.name).toBeUndefined();
  });
});

describe("splits", () => {
  // a | (b over c)
  const split = splitAt(splitAt(addTab(noTabs, "tab", "a"), "a", "b", "horizontal"), "b", "c", "vertical");

  it("of the same direction lie in one row", () => {
    const row = splitAt(splitAt(addTab(noTabs, "tab", "a"), "a", "c", "horizontal"), "a", "b", "horizontal");
    expect(root(row)).toMatchObject({ type: "split", children: [{ id: "a" }, { id: "b" }, { id: "c" }] });
    expect(row.tabs[0]?.active).toBe("b");
  });

  it("know who is beside whom", () => {
    expect(neighbour(root(split), "a", "right")).toBe("b");
    expect(neighbour(root(split), "c", "left")).toBe("a");
    expect(neighbour(root(split), "b", "down")).toBe("c");
    expect(neighbour(root(split), "c", "up")).toBe("b");
    expect(neighbour(root(split), "a", "down")).toBeUndefined();
    expect(neighbour(root(split), "a", "left")).toBeUndefined();
  });

  it("fold when one goes, and the focus goes to the one before", () => {
    const row = removeTerminal(split, "c");
    expect(root(row)).toEqual({
      type: "split",
      direction: "horizontal",
      children: [
        { type: "terminal", id: "a" },
        { type: "terminal", id: "b" },
      ],
    });
    expect(row.tabs[0]?.active).toBe("b");
    expect(root(removeTerminal(row, "a"))).toEqual({ type: "terminal", id: "b" });
  });

  it("show the tab of the terminal that is asked for", () => {
    const row = showTerminal(addTab(split, "other", "z"), "a");
    expect(row.current).toBe("tab");
    expect(row.tabs[0]?.active).toBe("a");
  });

  it("keep what there still is, and show what is new", () => {
    const row = reconcile(split, ["a", "c", "new"]);
    expect(row.tabs.map((tab) => terminalsIn(tab.root))).toEqual([["a", "c"], ["new"]]);
    expect(row.current).toBe("tab");
    expect(reconcile(noTabs, ["x"]).current).toBe("tab-x");
  });
});
