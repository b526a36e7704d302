// A picture as data, before any pixel: axes, marks in data coordinates, notes. It is painted on canvas or as SVG, read by hovering,
// written as CSV and reported to tests, all from this one description.

export type Ink =
  `run:${number}` | `cluster:${number}` | "measured" | "noise" | "tail" | "ghost" | "alert" | "ink" | "muted";

export interface Continuous {
  readonly scale: "linear" | "log";
  readonly label: string;
  readonly domain: readonly [number, number];
}

/** One place of equal width for each name, in their order. */
export interface Band {
  readonly scale: "band";
  readonly label: string;
  readonly names: readonly string[];
}

export type Axis = Continuous | Band;

interface Named {
  readonly label: string; // empty: not in the legend
  readonly name?: string; // what files and readings call it then
  readonly ink: Ink;
}

/** A filled histogram; with `base` it stands on top of other bars. */
export interface Bars extends Named {
  readonly type: "bars";
  readonly edges: Float64Array;
  readonly heights: Float64Array;
  readonly base?: Float64Array;
}

export interface Outline extends Named {
  readonly type: "outline";
  readonly edges: Float64Array;
  readonly heights: Float64Array;
  readonly dashed?: boolean;
}

export interface Line extends Named {
  readonly type: "line";
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly dashed?: boolean;
  readonly thin?: boolean;
}

export interface Points extends Named {
  readonly type: "points";
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** A line across the frame at one x. */
export interface Rule extends Named {
  readonly type: "rule";
  readonly x: number;
  readonly dashed?: boolean;
}

/** Short ticks on the x axis, one for each value. */
export interface Rug extends Named {
  readonly type: "rug";
  readonly x: ArrayLike<number>;
}

/** A grid of colours; values[row · columns + column], row 0 at the top of a band axis and at the bottom of a continuous one. */
export interface Cells {
  readonly type: "cells";
  readonly label: string;
  readonly name?: string;
  readonly columns: number;
  readonly rows: number;
  readonly values: Float64Array;
  readonly range: readonly [number, number];
  readonly palette: "sequential" | "diverging" | "mask"; // mask: 1 in colour, 0 pale
  /** 1 where something was recorded that is no number; NaN elsewhere is nothing. */
  readonly broken?: Uint8Array;
}

/** Curves one behind the other, one for each place of the y axis; the last is in front. */
export interface Ridges {
  readonly type: "ridges";
  readonly label: string;
  readonly name?: string;
  readonly ink: Ink;
  readonly edges: Float64Array;
  readonly rows: readonly Float64Array[]; // heights
  readonly most: number; // the height that `overlap` places stand for
  readonly overlap: number;
  readonly signed?: boolean;
}

export type Mark = Bars | Outline | Line | Points | Rule | Rug | Cells | Ridges;

export interface Note {
  readonly level: "info" | "warning";
  readonly text: string;
}

export interface Plot {
  readonly title: string;
  readonly kind: string;
  readonly runs: readonly string[];
  readonly step: number | null; // of the first run; null where the picture shows all steps
  readonly x: Axis;
  readonly y: Axis;
  readonly marks: readonly Mark[];
  readonly notes: readonly Note[];
  /** Where the present step is marked: the steps of the places of a band axis, or null where x is the step itself. */
  readonly cursor?: { readonly axis: "x" | "y"; readonly steps: readonly number[] | null };
}

/** A plot without marks that says why. */
export function emptyPlot(title: string, kind: string, runs: readonly string[], notes: readonly Note[]): Plot {
  const axis: Axis = { scale: "linear", label: "", domain: [0, 1] };
  return { title, kind, runs, step: null, x: axis, y: axis, marks: [], notes };
}

export function warning(text: string): Note {
  return { level: "warning", text };
}

export function info(text: string): Note {
  return { level: "info", text };
}
