// Axes → pixels and back, with ticks that are few enough to read.

import { scaleLinear, scaleLog } from "d3-scale";
import { short, superscript } from "../maths/format.ts";
import type { Axis, Band, Continuous } from "./plot.ts";

export interface Tick {
  readonly at: number; // pixels
  readonly label: string;
}

export interface Scale {
  /** Pixel of a value; of the middle of a place for a band. */
  at(value: number): number;
  /** Value at a pixel; for a band the index of the place. */
  invert(pixel: number): number;
  readonly ticks: readonly Tick[];
  readonly width: number; // of a place of a band, else 0
}

export function scaleOf(axis: Axis, range: readonly [number, number], room: number): Scale {
  if (axis.scale === "band") return band(axis, range, room);
  return axis.scale === "log" ? logarithmic(axis, range, room) : linear(axis, range, room);
}

function linear(axis: Continuous, range: readonly [number, number], room: number): Scale {
  const scale = scaleLinear(axis.domain, range);
  const count = Math.max(2, Math.min(8, Math.floor(Math.abs(range[1] - range[0]) / room)));
  const values = scale.ticks(count);
  const small = values.some((value) => value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6));
  const format = small ? short : scale.tickFormat(count);
  const ticks = values.map((value) => ({ at: scale(value), label: format(value).replaceAll("-", "−") }));
  return { at: (value) => scale(value), invert: (pixel) => scale.invert(pixel), ticks, width: 0 };
}

function logarithmic(axis: Continuous, range: readonly [number, number], room: number): Scale {
  const scale = scaleLog(axis.domain, range);
  const count = Math.max(2, Math.min(8, Math.floor(Math.abs(range[1] - range[0]) / room)));
  const ticks = logTicks(axis.domain, count).map((value) => ({ at: scale(value), label: logLabel(value) }));
  return { at: (value) => scale(value), invert: (pixel) => scale.invert(pixel), ticks, width: 0 };
}

/** Powers of ten, every k-th of them; where there are fewer than two, 1, 2, 5 between them or even spacing. */
export function logTicks([low, high]: readonly [number, number], most: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const powers = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => 10 ** (first + i));
  if (powers.length > 2) return every(powers, most);
  const between = Array.from({ length: last - first + 3 }, (_, i) => first - 1 + i)
    .flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power))
    .filter((value) => value >= low && value <= high);
  const distinct = [...new Set(between)].sort((a, b) => a - b);
  return distinct.length > 1 ? every(distinct, most) : scaleLinear([low, high], [0, 1]).ticks(most);
}

function every<T>(values: readonly T[], most: number): T[] {
  const each = Math.ceil(values.length / most);
  return values.filter((_, i) => i % each === 0);
}

function logLabel(value: number): string {
  const power = Math.round(Math.log10(value));
  const floor = Math.floor(Math.log10(value) + 1e-9);
  const digit = value / 10 ** floor;
  if (Math.abs(floor) < 3) return short(value);
  if (Math.abs(value / 10 ** power - 1) > 1e-9) return `${short(Number(digit.toPrecision(3)))}·${powerOfTen(floor)}`;
  return powerOfTen(power);
}

function powerOfTen(power: number): string {
  return `10${superscript(power)}`;
}

function band(axis: Band, [from, to]: readonly [number, number], room: number): Scale {
  const count = axis.names.length;
  const width = (to - from) / Math.max(1, count);
  const at = (index: number) => from + (index + 0.5) * width;
  const most = Math.max(1, Math.floor(Math.abs(to - from) / room));
  const shown = every(
    axis.names.map((label, i) => ({ at: at(i), label })),
    most,
  );
  const invert = (pixel: number) => Math.max(0, Math.min(count - 1, Math.floor((pixel - from) / width)));
  return { at, invert, ticks: shown, width: Math.abs(width) };
}
