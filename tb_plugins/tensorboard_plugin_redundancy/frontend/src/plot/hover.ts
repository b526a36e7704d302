// What lies under the pointer, in words: a line for each series.

import { binOf } from "../maths/bins.ts";
import { short } from "../maths/format.ts";
import { nameOf, place } from "./csv.ts";
import type { Layout } from "./layout.ts";
import type { Axis, Mark, Plot } from "./plot.ts";

export interface Reading {
  readonly x: number; // pixel of the crosshair
  readonly head: string;
  readonly lines: readonly string[];
}

export function read(plot: Plot, at: Layout, pixelX: number, pixelY: number): Reading | null {
  const { frame } = at;
  const inside =
    pixelX >= frame.x &&
    pixelX <= frame.x + frame.width &&
    pixelY >= frame.y - 8 &&
    pixelY <= frame.y + frame.height + 8;
  if (!inside || !plot.marks.length) return null;
  const x = at.x.invert(pixelX);
  const y = at.y.invert(pixelY);
  const told = plot.marks.filter((mark) => mark.label || mark.name);
  const lines = told.map((mark) => line(mark, plot, x, y)).filter((text) => text !== "");
  return { x: plot.x.scale === "band" ? at.x.at(x) : pixelX, head: header(plot, x, y), lines };
}

function header(plot: Plot, x: number, y: number): string {
  const first = `${plot.x.label}: ${named(plot.x, x)}`;
  return plot.y.scale === "band" ? `${first} · ${plot.y.label || "row"}: ${named(plot.y, y)}` : first;
}

function named(axis: Axis, value: number): string {
  return axis.scale === "band" ? (axis.names[value] ?? "") : short(value);
}

function line(mark: Mark, plot: Plot, x: number, y: number): string {
  const name = nameOf(mark);
  switch (mark.type) {
    case "bars":
    case "outline": {
      const bin = binOf(x, mark.edges);
      return bin < 0 ? "" : `${name}: ${short(mark.heights[bin]!)} in ${interval(mark.edges, bin)}`;
    }
    case "line":
    case "points": {
      const i = nearestIndex(mark.x, x, plot.x.scale === "log");
      return i < 0
        ? ""
        : `${name}: ${short(mark.y[i]!)} at ${plot.x.scale === "band" ? named(plot.x, mark.x[i]!) : short(mark.x[i]!)}`;
    }
    case "rule":
      return `${name}: at ${short(mark.x)}`;
    case "rug":
      return "";
    case "cells":
      return cellLine(mark, plot, x, y);
    case "ridges": {
      const bin = binOf(x, mark.edges);
      const row = mark.rows[y];
      return bin < 0 || !row ? "" : `${name}: ${short(row[bin]!)} in ${interval(mark.edges, bin)}`;
    }
  }
}

function cellLine(mark: Mark & { type: "cells" }, plot: Plot, x: number, y: number): string {
  const [column, row] = [cellOf(plot.x, x, mark.columns), cellOf(plot.y, y, mark.rows)];
  const where = plot.y.scale === "band" ? "" : ` at ${short(Number(place(plot.y, row, mark.rows)))}`;
  return `${mark.label}: ${short(mark.values[row * mark.columns + column] ?? Number.NaN)}${where}`;
}

function cellOf(axis: Axis, value: number, count: number): number {
  if (axis.scale === "band") return value;
  const [low, high] = axis.domain;
  const share = axis.scale === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
}

function interval(edges: Float64Array, bin: number): string {
  return `[${short(edges[bin]!)}, ${short(edges[bin + 1]!)}${bin === edges.length - 2 ? "]" : ")"}`;
}

function nearestIndex(values: ArrayLike<number>, x: number, log: boolean): number {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < values.length; i++) {
    const distance = log ? Math.abs(Math.log(values[i]! / x)) : Math.abs(values[i]! - x);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
