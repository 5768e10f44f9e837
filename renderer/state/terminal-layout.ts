/** How a container's terminals are arranged: tabs in a row, and in each of them terminals side by side or below each other. */
export type SplitDirection = "horizontal" | "vertical";
export type LayoutNode = { type: "terminal"; id: string } | { type: "split"; direction: SplitDirection; children: LayoutNode[] };
export type TerminalTab = {
  id: string;
  root: LayoutNode;
  /** The terminal that has the focus, or had it last. */
  active: string;
  /** What the person calls it. */
  name?: string;
};
export type TabRow = { tabs: readonly TerminalTab[] /** The tab that is shown. */; current?: string };
export type Side = "left" | "right" | "up" | "down";

export const noTabs: TabRow = { tabs: [] };

export function terminalsIn(node: LayoutNode): string[] {
  return node.type === "terminal" ? [node.id] : node.children.flatMap(terminalsIn);
}

/** A tab of its own, right of the current one, and shown. */
export function addTab({ tabs, current }: TabRow, tab: string, terminal: string): TabRow {
  const at = tabs.findIndex(({ id }) => id === current) + 1 || tabs.length;
  const added: TerminalTab = { id: tab, root: { type: "terminal", id: terminal }, active: terminal };
  return { tabs: [...tabs.slice(0, at), added, ...tabs.slice(at)], current: tab };
}

/** Puts a terminal right of another, or below it; it gets the focus. */
export function splitAt(row: TabRow, beside: string, terminal: string, direction: SplitDirection): TabRow {
  return inTabOf(row, beside, (tab) => ({ ...tab, root: insertBeside(tab.root, beside, terminal, direction), active: terminal }));
}

/** Takes a terminal away; its tab goes with the last one in it. */
export function removeTerminal({ tabs, current }: TabRow, terminal: string): TabRow {
  const next = tabs.flatMap((tab): TerminalTab[] => {
    const before = terminalsIn(tab.root);
    if (!before.includes(terminal)) return [tab];
    const root = without(tab.root, terminal);
    if (!root) return [];
    const left = terminalsIn(root);
    const active = tab.active === terminal ? (left[Math.max(0, before.indexOf(terminal) - 1)] ?? left[0] ?? "") : tab.active;
    return [{ ...tab, root, active }];
  });
  if (next.some(({ id }) => id === current)) return { tabs: next, current };
  const at = tabs.findIndex(({ id }) => id === current);
  return { tabs: next, current: (next[Math.min(at, next.length - 1)] ?? next[0])?.id };
}

/** Takes a terminal out of its split, into a tab of its own right of that, which is not shown. */
export function ownTab(row: TabRow, terminal: string): TabRow {
  const at = row.tabs.findIndex(({ root }) => terminalsIn(root).includes(terminal));
  if (row.tabs[at]?.root.type !== "split") return row;
  const { tabs, current } = removeTerminal(row, terminal);
  const added: TerminalTab = { id: `tab-${terminal}-own`, root: { type: "terminal", id: terminal }, active: terminal };
  return { tabs: [...tabs.slice(0, at + 1), added, ...tabs.slice(at + 1)], current };
}

/** @param by -1 for the one before, 1 for the next; round the corner at the ends. */
export function stepTab({ tabs, current }: TabRow, by: 1 | -1): TabRow {
  if (tabs.length === 0) return { tabs };
  const at = tabs.findIndex(({ id }) => id === current);
  return { tabs, current: tabs[(at + by + tabs.length) % tabs.length]?.id };
}

/** Puts a tab in another one's place. */
export function moveTab({ tabs, current }: TabRow, tab: string, to: number): TabRow {
  const from = tabs.findIndex(({ id }) => id === tab);
  const moved = tabs[from];
  if (!moved) return { tabs, current };
  const others = tabs.filter(({ id }) => id !== tab);
  const at = Math.min(Math.max(to, 0), others.length);
  return { tabs: [...others.slice(0, at), moved, ...others.slice(at)], current };
}

/** Gives a terminal the focus, and shows its tab. */
export function showTerminal(row: TabRow, terminal: string): TabRow {
  const tab = row.tabs.find(({ root }) => terminalsIn(root).includes(terminal));
  return tab ? { ...inTabOf(row, terminal, (found) => ({ ...found, active: terminal })), current: tab.id } : row;
}

/** @param name Without it the tab is called as what runs in it. */
export function renameTab({ tabs, current }: TabRow, tab: string, name: string | undefined): TabRow {
  return { tabs: tabs.map((found) => (found.id === tab ? { ...found, name } : found)), current };
}

/** The terminal beside another one, in the same tab. */
export function neighbour(root: LayoutNode, of: string, side: Side): string | undefined {
  const wanted: SplitDirection = side === "left" || side === "right" ? "horizontal" : "vertical";
  const step = side === "left" || side === "up" ? -1 : 1;
  let found: string | undefined;
  // The innermost split in that direction that has something there: so the last one that is found on the way down.
  let node = root;
  while (node.type === "split") {
    const at = node.children.findIndex((child) => terminalsIn(child).includes(of));
    const beside = node.children[at + step];
    if (node.direction === wanted && at !== -1 && beside) found = nearest(beside, step);
    const inside = node.children[at];
    if (!inside) break;
    node = inside;
  }
  return found;
}

/** Keeps only terminals that there are, and shows those that are in no tab in tabs of their own. */
export function reconcile(row: TabRow, terminals: readonly string[]): TabRow {
  let next = row;
  for (const terminal of row.tabs.flatMap(({ root }) => terminalsIn(root))) {
    if (!terminals.includes(terminal)) next = removeTerminal(next, terminal);
  }
  const shown = new Set(next.tabs.flatMap(({ root }) => terminalsIn(root)));
  const { current } = next;
  for (const terminal of terminals) if (!shown.has(terminal)) next = addTab({ tabs: next.tabs }, `tab-${terminal}`, terminal);
  return { tabs: next.tabs, current: current ?? next.tabs[0]?.id };
}

function inTabOf({ tabs, current }: TabRow, terminal: string, change: (tab: TerminalTab) => TerminalTab): TabRow {
  return { tabs: tabs.map((tab) => (terminalsIn(tab.root).includes(terminal) ? change(tab) : tab)), current };
}

function insertBeside(node: LayoutNode, beside: string, terminal: string, direction: SplitDirection): LayoutNode {
  const added: LayoutNode = { type: "terminal", id: terminal };
  if (node.type === "terminal") return node.id === beside ? { type: "split", direction, children: [node, added] } : node;
  const at = node.children.findIndex((child) => child.type === "terminal" && child.id === beside);
  if (at !== -1 && node.direction === direction) {
    return { ...node, children: [...node.children.slice(0, at + 1), added, ...node.children.slice(at + 1)] };
  }
  return { ...node, children: node.children.map((child) => insertBeside(child, beside, terminal, direction)) };
}

function without(node: LayoutNode, terminal: string): LayoutNode | undefined {
  if (node.type === "terminal") return node.id === terminal ? undefined : node;
  const children = node.children.flatMap((child) => without(child, terminal) ?? []);
  return children.length > 1 ? { ...node, children } : children[0];
}

function nearest(node: LayoutNode, step: 1 | -1): string | undefined {
  const all = terminalsIn(node);
  return step === 1 ? all[0] : all.at(-1);
}
