import { Fragment } from "react";
import { Group, type Layout, Panel, Separator } from "react-resizable-panels";
import { type LayoutNode, terminalsIn } from "../../state/terminal-layout.ts";
import { TerminalPane } from "./terminal-pane.tsx";

type Props = { node: LayoutNode /** The one with the focus. */; active: string; isAlone: boolean };

/** How wide or high each part is, of splits that were dragged: they are drawn anew whenever their tab is shown. */
const layouts = new Map<string, Layout>();

/** Terminals beside and below each other, with bars between them that can be dragged, or moved with the arrow keys. */
export function SplitView({ node, active, isAlone }: Props) {
  if (node.type === "terminal") return <TerminalPane id={node.id} isActive={node.id === active} isAlone={isAlone} />;
  const key = keyOf(node);
  return (
    <Group
      orientation={node.direction}
      className="terminal-split"
      defaultLayout={layouts.get(key)}
      onLayoutChanged={(layout) => layouts.set(key, layout)}
    >
      {node.children.map((child, index) => (
        <Fragment key={keyOf(child)}>
          {index > 0 && (
            <Separator
              className="terminal-separator"
              data-direction={node.direction}
              aria-label={node.direction === "horizontal" ? "Width of the terminals" : "Height of the terminals"}
            />
          )}
          <Panel id={keyOf(child)} minSize="60px">
            <SplitView node={child} active={active} isAlone={false} />
          </Panel>
        </Fragment>
      ))}
    </Group>
  );
}

function keyOf(node: LayoutNode): string {
  return terminalsIn(node).join(" ");
}
