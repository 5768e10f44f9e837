import { useEffect, useRef } from "react";

/** A tiny chart of the last figures, drawn on a canvas: hundreds of these are redrawn at every tick. Words stand beside it. */
export function Sparkline({
  values,
  max,
  width = 72,
  height = 20,
}: {
  values: readonly (number | undefined)[];
  max: number;
  width?: number;
  height?: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const scale = devicePixelRatio;
    element.width = width * scale;
    element.height = height * scale;
    context.scale(scale, scale);
    context.strokeStyle = getComputedStyle(element).color;
    context.lineWidth = 1.25;
    context.lineJoin = "round";
    context.beginPath();
    const step = width / Math.max(1, values.length - 1);
    let isDrawing = false;
    for (const [index, value] of values.entries()) {
      if (value === undefined) {
        isDrawing = false;
        continue;
      }
      const y = height - 1 - (Math.min(value, max) / max) * (height - 2);
      if (isDrawing) context.lineTo(index * step, y);
      else context.moveTo(index * step, y);
      isDrawing = true;
    }
    context.stroke();
  }, [values, max, width, height]);
  return <canvas ref={canvas} style={{ width, height }} className="sparkline" aria-hidden />;
}
