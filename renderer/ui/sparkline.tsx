import { memo, useLayoutEffect, useRef } from "react";
import { colorIn } from "./chart-colors.ts";
import { useIsInSight } from "./use-is-in-sight.ts";

type Props = {
  /** Of `sparklinePicture`. */
  picture: string;
  /** How many values fill the width. */
  capacity: number;
};

const width = 52;
const height = 20;
/** A level is half a pixel above the axis. */
const levels = 2 * (height - 2);
const zero = "0".charCodeAt(0);
const gap = "-";
/** How many values a line has that is level all along: it grows in these steps, so that most containers at rest change nothing. */
const levelLengths = [60, 40, 20, 10, 5, 2];

/**
 * What a sparkline of these values looks like, one character a value: of two that look the same only one is drawn. An axis
 * stands for what is zero, so that what comes before the first value that can be seen is left out.
 * @param values The newest last; undefined leaves a gap.
 * @param max What fills the height.
 */
export function sparklinePicture(values: readonly (number | undefined)[], max: number): string {
  const picture = values.map((value) =>
    value === undefined ? gap : String.fromCharCode(zero + Math.round((Math.min(value, max) / max) * levels)),
  );
  const first = picture.findIndex((character) => character !== "0" && character !== gap);
  if (first < 0) return "";
  const seen = picture.slice(picture[first - 1] === "0" ? first - 1 : first).join("");
  return isLevel(seen) ? seen.slice(0, levelLengths.find((length) => length <= seen.length) ?? 1) : seen;
}

function isLevel(picture: string): boolean {
  return picture === picture.charAt(0).repeat(picture.length);
}

/**
 * A tiny chart of the last figures. Words stand beside it. Hundreds of these may change at every tick, so it is drawn on a canvas; but a
 * canvas takes memory, and a list has two for each container, most of which do nothing: a line that is level has none.
 */
export const Sparkline = memo(function Sparkline({ picture, capacity }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [place, isInSight] = useIsInSight();
  // With the texts beside it: afterwards it would have the window painted once more.
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = isInSight ? element?.getContext("2d") : undefined;
    if (!element || !context) return;
    const scale = devicePixelRatio;
    // A new size clears the canvas and costs; the same one is only wiped.
    if (element.width !== Math.round(width * scale)) {
      element.width = Math.round(width * scale);
      element.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const color = colorIn(document.documentElement.dataset.mantineColorScheme ?? "", "--chart-1");
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = 1.25;
    context.lineJoin = "round";
    const step = stepOf(capacity);
    const start = width - step * (picture.length - 1);
    for (const { 0: run, index } of picture.matchAll(/[^-]+/g)) {
      const path = new Path2D();
      const x = (offset: number) => start + (index + offset) * step;
      for (let offset = 0; offset < run.length; offset++) path.lineTo(x(offset), height - 1 - yOf(run, offset));
      context.stroke(path);
      path.lineTo(x(run.length - 1), height);
      path.lineTo(x(0), height);
      context.globalAlpha = 0.15;
      context.fill(path);
      context.globalAlpha = 1;
    }
  }, [picture, capacity, isInSight]);
  return (
    <span className="sparkline" ref={place} style={{ width, height }} aria-hidden>
      {picture !== "" &&
        (isLevel(picture) ? (
          <span className="level" style={{ width: (picture.length - 1) * stepOf(capacity), height: 1 + yOf(picture, 0) }} />
        ) : (
          <canvas ref={canvas} style={{ width, height }} />
        ))}
    </span>
  );
});

const stepOf = (capacity: number): number => width / (capacity - 1);

/** @returns Pixels above the axis. */
function yOf(picture: string, index: number): number {
  return ((picture.charCodeAt(index) - zero) / levels) * (height - 2);
}
