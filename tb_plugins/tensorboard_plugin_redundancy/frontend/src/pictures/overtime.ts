// Histograms over steps: one behind the other (ridges) or as colours, a column for each recorded step (heat). Steps stand side by
// side at equal distances, whatever lies between them. With a second run the difference of the two, at its nearest steps.

import { nearestEvent, type Event } from "../data/series.ts";
import { short } from "../maths/format.ts";
import { emptyPlot, warning, type Continuous, type Line, type Note, type Plot } from "../plot/plot.ts";
import { thinned, type Source } from "./source.ts";

const MOST_RIDGES = 40;
const OVERLAP = 2.6;

/** What is binned: the same bins for every event of a layer. */
export interface Histograms {
  readonly kind: string;
  readonly axis: Continuous;
  readonly edges: Float64Array;
  readonly label: string; // of the heights
  heights(event: Event): Float64Array;
  /** Curves over steps that a heat map carries, such as the bulk edge. */
  readonly curves: readonly { label: string; ink: Line["ink"]; dashed?: boolean; at(event: Event): number }[];
  readonly notes: readonly Note[];
  /** Whether weights were NaN at this step. */
  broken?(event: Event): boolean;
}

function rowsOf(events: readonly Event[], shown: Histograms, minus: Source | null): Float64Array[] {
  return events.map((event) => {
    const heights = shown.heights(event);
    const other = minus ? nearestEvent(minus.events, event.step) : undefined;
    if (!other) return heights;
    const second = shown.heights(other);
    return heights.map((height, i) => height - second[i]!);
  });
}

function named(source: Source, minus: Source | null, label: string): string {
  return minus ? `${label}: ${source.run} − ${minus.run}` : label;
}

export function ridgePlot(
  layer: string,
  source: Source,
  minus: Source | null,
  events: readonly Event[],
  shown: Histograms,
): Plot {
  const runs = minus ? [source.run, minus.run] : [source.run];
  if (!events.length) return emptyPlot(layer, shown.kind, runs, [warning("no step lies in the range")]);
  const chosen = thinned(events, MOST_RIDGES);
  const rows = rowsOf(chosen.events, shown, minus);
  return {
    title: layer,
    kind: `${shown.kind} ridges`,
    runs,
    step: null,
    x: shown.axis,
    y: { scale: "band", label: "step", names: steps(chosen.events) },
    marks: [
      {
        type: "ridges",
        label: named(source, minus, shown.label),
        ink: `run:${source.colour}`,
        edges: shown.edges,
        rows,
        most: Math.max(...rows.map((row) => row.reduce((a, b) => Math.max(a, Math.abs(b)), 0))),
        overlap: Math.min(OVERLAP, Math.max(0.8, chosen.events.length / 3)),
        signed: minus !== null,
      },
    ],
    notes: [...chosen.notes, ...shown.notes],
    cursor: { axis: "y", steps: chosen.events.map(({ step }) => step) },
  };
}

export function heatPlot(
  layer: string,
  source: Source,
  minus: Source | null,
  events: readonly Event[],
  shown: Histograms,
): Plot {
  const runs = minus ? [source.run, minus.run] : [source.run];
  if (!events.length) return emptyPlot(layer, shown.kind, runs, [warning("no step lies in the range")]);
  const columns = rowsOf(events, shown, minus);
  const bins = shown.edges.length - 1;
  const values = new Float64Array(bins * events.length);
  columns.forEach((heights, column) =>
    heights.forEach((height, bin) => (values[bin * events.length + column] = height === 0 ? Number.NaN : height)),
  );
  const x = events.map((_, i) => i);
  const lines = minus ? [] : shown.curves.map((curve) => line(curve, events, x));
  return {
    title: layer,
    kind: `${shown.kind} heat map`,
    runs,
    step: null,
    x: { scale: "band", label: "step", names: steps(events) },
    y: shown.axis,
    marks: [
      {
        type: "cells",
        label: named(source, minus, shown.label),
        columns: events.length,
        rows: bins,
        values,
        range: rangeOf(values, minus !== null),
        palette: minus ? "diverging" : "sequential",
        broken: brokenCells(events, bins, shown),
      },
      ...lines.filter((each) => each !== null),
    ],
    notes: shown.notes,
    cursor: { axis: "x", steps: events.map(({ step }) => step) },
  };
}

function brokenCells(events: readonly Event[], bins: number, shown: Histograms): Uint8Array {
  const broken = events.map((event) => Number(shown.broken?.(event) ?? false));
  return Uint8Array.from({ length: bins * events.length }, (_, i) => broken[i % events.length]!);
}

function line(curve: Histograms["curves"][number], events: readonly Event[], x: number[]): Line | null {
  const y = events.map((event) => curve.at(event));
  const dashed = curve.dashed ? { dashed: true } : {};
  return y.some(Number.isFinite) ? { type: "line", label: curve.label, ink: curve.ink, x, y, ...dashed } : null;
}

function rangeOf(values: Float64Array, difference: boolean): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  const high = finite.reduce((a, b) => Math.max(a, b));
  const low = finite.reduce((a, b) => Math.min(a, b));
  const most = Math.max(high, -low) || 1;
  return difference ? [-most, most] : [Math.min(low, 0), Math.max(high, low < 0 ? high : 0)];
}

export function steps(events: readonly Event[]): string[] {
  return events.map((event) => short(event.step));
}
