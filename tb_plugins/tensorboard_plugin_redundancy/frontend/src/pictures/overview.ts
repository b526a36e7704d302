// One metric of all layers over steps, a row for each layer in network order; with a second run its difference.

import { nearest } from "../data/series.ts";
import type { Column } from "../data/columns.ts";
import { counted, short } from "../maths/format.ts";
import { emptyPlot, info, warning, type Note, type Plot } from "../plot/plot.ts";

export interface LayerColumn {
  readonly layer: string;
  readonly column: Column | undefined;
  readonly minus: Column | undefined | null; // null: no second run is compared
}

export function overviewPlot(
  title: string,
  runs: readonly string[],
  layers: readonly LayerColumn[],
  from: number | null,
  to: number | null,
): Plot {
  const inside = (step: number) => (from === null || step >= from) && (to === null || step <= to);
  const all = [...new Set(layers.flatMap(({ column }) => column?.steps ?? []))];
  const steps = all.filter(inside).sort((a, b) => a - b);
  if (!steps.length)
    return emptyPlot(title, "overview", runs, [info("no value of it is loaded yet, or none was logged")]);
  const place = new Map(steps.map((step, i) => [step, i]));
  const values = new Float64Array(layers.length * steps.length).fill(Number.NaN);
  const broken = new Uint8Array(values.length);
  layers.forEach(({ column, minus }, row) => {
    column?.steps.forEach((step, i) => {
      const at = place.get(step);
      if (at === undefined) return;
      values[row * steps.length + at] = column.values[i]! - subtracted(minus, step);
      broken[row * steps.length + at] = Number(!Number.isFinite(column.values[i]));
    });
  });
  const compared = layers.some(({ minus }) => minus !== null);
  return {
    title,
    kind: "overview",
    runs,
    step: null,
    x: { scale: "band", label: "step", names: steps.map(short) },
    y: { scale: "band", label: "layer", names: layers.map(({ layer }) => layer) },
    marks: [
      {
        type: "cells",
        label: compared ? `${title}: ${runs.join(" − ")}` : title,
        columns: steps.length,
        rows: layers.length,
        values,
        range: rangeOf(values, compared),
        palette: compared ? "diverging" : "sequential",
        broken,
      },
    ],
    notes: notesOf(values, broken),
    cursor: { axis: "x", steps },
  };
}

function subtracted(minus: Column | undefined | null, step: number): number {
  return minus === null ? 0 : valueAt(minus, step);
}

/** The value at the nearest step, NaN where there is none. */
export function valueAt(column: Column | undefined, step: number | null): number {
  return column?.values[indexAt(column, step)] ?? Number.NaN;
}

export function indexAt(column: Column, step: number | null): number {
  return step === null ? column.steps.length - 1 : nearest(column.steps, step);
}

function notesOf(values: Float64Array, broken: Uint8Array): Note[] {
  const clipped = values.filter(Number.isFinite).length > FEW;
  const failed = broken.reduce((sum, each) => sum + each, 0);
  return [
    ...(clipped ? [info("colours end at the 2 % and 98 % quantiles")] : []),
    ...(failed ? [warning(`${counted(failed, "value")} NaN or infinite, shown in pale red`)] : []),
  ];
}

const FEW = 50;

/** The 2 % and 98 % quantiles of many values, so that one outlier does not take all colours; symmetric for differences. */
function rangeOf(values: Float64Array, compared: boolean): [number, number] {
  const finite = values.filter(Number.isFinite).sort();
  if (!finite.length) return [0, 1];
  const share = finite.length > FEW ? 0.02 : 0;
  const [low, high] = [share, 1 - share].map((p) => finite[Math.round(p * (finite.length - 1))]!) as [number, number];
  const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  if (compared) return [-most, most];
  return low === high ? [Math.min(0, low), Math.max(low, 0) || 1] : [low, high];
}
