import { useEffect, useRef } from "react";

type Props = {
  /** The newest last; undefined leaves a gap. */
  values: readonly (number | undefined)[];
  /** How many values fill the width; fewer begin farther right. */
  capacity: number;
  max: number;
  width?: number;
  height?: number;
};

/** A tiny chart of the last figures, drawn on a canvas: hundreds of these are redrawn at every tick. Words stand beside it. */
export function Sparkline({ values, capacity, max, width = 72, height = 20 }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const scale = devicePixelRatio;
    // A new size clears the canvas and costs; the same one is only wiped.
    if (element.width !== Math.round(width * scale)) {
      element.width = Math.round(width * scale);
      element.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const color = lineColor();
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = 1.25;
    context.lineJoin = "round";
    const step = width / (capacity - 1);
    const start = width - step * (values.length - 1);
    for (const line of linesOf(values)) {
      const path = new Path2D();
      for (const { index, value } of line) path.lineTo(start + index * step, height - 1 - (Math.min(value, max) / max) * (height - 2));
      context.stroke(path);
      path.lineTo(start + (line.at(-1)?.index ?? 0) * step, height);
      path.lineTo(start + (line[0]?.index ?? 0) * step, height);
      context.globalAlpha = 0.15;
      context.fill(path);
      context.globalAlpha = 1;
    }
  }, [values, capacity, max, width, height]);
  return <canvas ref={canvas} style={{ width, height }} className="sparkline" aria-hidden />;
}

let knownColor: string | undefined;

/** The theme's colour, asked for once a frame: asked for by each canvas, between their changes, it would take seconds for hundreds. */
function lineColor(): string {
  if (knownColor === undefined) {
    knownColor = getComputedStyle(document.documentElement).getPropertyValue("--chart-1");
    requestAnimationFrame(() => {
      knownColor = undefined;
    });
  }
  return knownColor;
}

/** The runs of values between the gaps. */
function linesOf(values: readonly (number | undefined)[]): { index: number; value: number }[][] {
  const lines: { index: number; value: number }[][] = [];
  let line: { index: number; value: number }[] | undefined;
  for (const [index, value] of values.entries()) {
    if (value === undefined) {
      line = undefined;
      continue;
    }
    if (!line) {
      line = [];
      lines.push(line);
    }
    line.push({ index, value });
  }
  return lines;
}
