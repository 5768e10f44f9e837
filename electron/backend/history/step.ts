import { crc32 } from "node:zlib";
import { keptFigures } from "../../../privileged-helper/contract/history.ts";
import type { MetricsFigures } from "../../../privileged-helper/contract/model.ts";
import type { Resolution } from "./resolutions.ts";

/** All figures over one step of time, in the order of `keptFigures`; NaN where there was nothing. */
export type Step = {
  /** Of how many fine steps it is made: what it counts when it is merged. */
  weight: number;
  average: Float64Array;
  minimum: Float64Array;
  maximum: Float64Array;
};

const figureCount = keptFigures.length;

/** The step that one reading makes. */
export function stepOf(figures: MetricsFigures): Step {
  const values = new Float64Array(figureCount);
  for (const [index, figure] of keptFigures.entries()) values[index] = figures[figure] ?? Number.NaN;
  return { weight: 1, average: values, minimum: values, maximum: values };
}

/** One step out of two. Neither is changed. */
export function mergeSteps(one: Step | undefined, other: Step): Step {
  if (!one) return other;
  const merged: Step = {
    weight: one.weight + other.weight,
    average: new Float64Array(figureCount),
    minimum: new Float64Array(figureCount),
    maximum: new Float64Array(figureCount),
  };
  for (let index = 0; index < figureCount; index++) {
    const [a, b] = [valueAt(one.average, index), valueAt(other.average, index)];
    const isOnlyOne = Number.isNaN(a) || Number.isNaN(b);
    merged.average[index] = isOnlyOne ? (Number.isNaN(a) ? b : a) : (a * one.weight + b * other.weight) / merged.weight;
    merged.minimum[index] = smaller(valueAt(one.minimum, index), valueAt(other.minimum, index));
    merged.maximum[index] = greater(valueAt(one.maximum, index), valueAt(other.maximum, index));
  }
  return merged;
}

export function valueAt(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}

function smaller(a: number, b: number): number {
  return Number.isNaN(a) || b < a ? b : a;
}

function greater(a: number, b: number): number {
  return Number.isNaN(a) || b > a ? b : a;
}

/**
 * A step in a file, little endian: CRC-32 of the rest, its number (time divided by the step's length), its weight, and its values as
 * 32-bit floats: the averages, and of merged ones the minima and maxima after them. Whoever reads half a step, one of another time or
 * nothing finds that the first two do not fit.
 */
const headBytes = 12;

export function bytesOfStep({ isMerged }: Resolution): number {
  return headBytes + 4 * figureCount * (isMerged ? 3 : 1);
}

export function encodeStep(resolution: Resolution, number: number, step: Step, target: Buffer, offset: number): void {
  target.writeUInt32LE(number, offset + 4);
  target.writeUInt32LE(Math.min(step.weight, 0xffffffff), offset + 8);
  let at = offset + headBytes;
  for (const values of resolution.isMerged ? [step.average, step.minimum, step.maximum] : [step.average]) {
    for (const value of values) at = target.writeFloatLE(value, at);
  }
  target.writeUInt32LE(crc32(target.subarray(offset + 4, at)), offset);
}

/** @returns undefined where no step with this number, or not all of it, is in the file. */
export function decodeStep(resolution: Resolution, number: number, source: Buffer, offset: number): Step | undefined {
  const end = offset + bytesOfStep(resolution);
  if (end > source.length || source.readUInt32LE(offset + 4) !== number) return undefined;
  if (source.readUInt32LE(offset) !== crc32(source.subarray(offset + 4, end))) return undefined;
  const valuesFrom = (position: number) => {
    const values = new Float64Array(figureCount);
    for (let index = 0; index < figureCount; index++) values[index] = source.readFloatLE(position + 4 * index);
    return values;
  };
  const average = valuesFrom(offset + headBytes);
  return {
    weight: source.readUInt32LE(offset + 8),
    average,
    minimum: resolution.isMerged ? valuesFrom(offset + headBytes + 4 * figureCount) : average,
    maximum: resolution.isMerged ? valuesFrom(offset + headBytes + 8 * figureCount) : average,
  };
}
