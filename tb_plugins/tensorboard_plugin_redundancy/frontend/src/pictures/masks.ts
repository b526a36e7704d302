// What pruning left: units kept over steps, which units they are, and how the kept weights spread over units beside their null.

import { histogram } from "../maths/bins.ts";
import { normalDensity } from "../maths/laws.ts";
import { counted, short } from "../maths/format.ts";
import { emptyPlot, info, warning, type Mark, type Plot } from "../plot/plot.ts";
import { at, sayOfEach, within, type Now, type Options, type Source } from "./source.ts";
import { steps } from "./overtime.ts";

export function keptPlot(layer: string, sources: readonly Source[], options: Options): Plot {
  const now = at(sources, options.step);
  if (!now.length) return emptyPlot(layer, "kept units", [], [warning("no mask was recorded")]);
  const shown = now.map((each) => ({ ...each, events: within(each.events, options) }));
  const marks = shown.flatMap(({ label, ink, events }): Mark[] => {
    const [x, y] = [events.map(({ step }) => step), events.map((event) => event.head("kept"))];
    return [
      { type: "line", label, ink, x, y },
      { type: "points", label: "", ink, x, y },
    ];
  });
  const all = shown.flatMap(({ events }) => events.map(({ step }) => step));
  const units = Math.max(...now.map(({ event }) => event.head("units")));
  return {
    title: layer,
    kind: "kept units",
    runs: now.map(({ run }) => run),
    step: null,
    x: { scale: "linear", label: "step", domain: spread(all) },
    y: { scale: "linear", label: "units kept", domain: [0, 1.05 * units] },
    marks,
    notes: sayOfEach(now, keptWords),
    cursor: { axis: "x", steps: null },
  };
}

function keptWords({ event }: Now): string {
  return `${short(event.head("kept"))} of ${counted(event.head("units"), "unit")}`;
}

function spread(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** A row for each unit, a column for each step: which units are left. */
export function unitsPlot(layer: string, source: Source, options: Options): Plot {
  const events = within(source.events, options);
  const units = events.reduce((most, { data }) => Math.max(most, data.length), 0);
  if (!units) return emptyPlot(layer, "mask", [source.run], [warning("no mask was recorded in this range of steps")]);
  const values = new Float64Array(units * events.length).fill(Number.NaN);
  events.forEach(({ data }, column) => data.forEach((kept, unit) => (values[unit * events.length + column] = kept)));
  return {
    title: layer,
    kind: "mask",
    runs: [source.run],
    step: null,
    x: { scale: "band", label: "step", names: steps(events) },
    y: { scale: "linear", label: "unit", domain: [0, units] },
    marks: [
      {
        type: "cells",
        label: "kept",
        columns: events.length,
        rows: units,
        values,
        range: [0, 1],
        palette: "mask",
      },
    ],
    notes: [],
    cursor: { axis: "x", steps: events.map(({ step }) => step) },
  };
}

/** Kept weights of each unit, beside the normal law with the null's mean and deviation. */
export function survivalPlot(layer: string, sources: readonly Source[], options: Options): Plot {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  if (!now.length) return emptyPlot(layer, "survival", runs, [warning("no survival of weights was recorded")]);
  const edges = countEdges(now);
  const marks: Mark[] = now.flatMap((each): Mark[] => {
    const heights = histogram(each.event.data, null, edges);
    if (now.length > 1) return [{ type: "outline", label: each.name, ink: each.ink, edges, heights }];
    const label = `${counted(each.event.data.length, "unit")}, step ${short(each.event.step)}`;
    return [{ type: "bars", label, ink: "measured", edges, heights }, ...nullCurve(each, edges)];
  });
  const heights = marks.flatMap((mark) =>
    "heights" in mark ? [...mark.heights] : mark.type === "line" ? Array.from(mark.y) : [],
  );
  return {
    title: layer,
    kind: "survival",
    runs,
    step: now[0]!.event.step,
    x: { scale: "linear", label: "weights kept of a unit", domain: [edges[0]!, edges[edges.length - 1]!] },
    y: { scale: "linear", label: "units", domain: [0, 1.08 * Math.max(1, ...heights)] },
    marks,
    notes: now.length > 1 ? sayOfEach(now, survivalWords) : [info(survivalWords(now[0]!))],
  };
}

/** Whole numbers in bins of equal width, at most 60 of them. */
function countEdges(now: readonly Now[]): Float64Array {
  const values = now.flatMap(({ event }) => [
    ...event.data,
    event.head("null_mean") + 4 * event.head("null_sd"),
    event.head("null_mean") - 4 * event.head("null_sd"),
  ]);
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.max(0, Math.floor(Math.min(...finite))), Math.ceil(Math.max(...finite))];
  const width = Math.max(1, Math.ceil((high - low + 1) / 60));
  const count = Math.ceil((high - low + 1) / width);
  return Float64Array.from({ length: count + 1 }, (_, i) => low - 0.5 + i * width);
}

function nullCurve({ event }: Now, edges: Float64Array): Mark[] {
  const [mean, sd] = [event.head("null_mean"), event.head("null_sd")];
  if (!(sd > 0)) return [];
  const scale = event.data.length * (edges[1]! - edges[0]!);
  const [low, high] = [edges[0]!, edges[edges.length - 1]!];
  const x = Array.from({ length: 241 }, (_, i) => low + ((high - low) * i) / 240);
  const y = x.map((count) => scale * normalDensity(count, mean, sd));
  return [{ type: "line", label: `null: mean ${short(mean)}, sd ${short(sd)}`, ink: "noise", x, y, dashed: true }];
}

function survivalWords({ event }: Now): string {
  return `lift ${short(event.head("lift"))}, p = ${short(event.head("p_value"))}; ${short(event.head("kept"))} weights kept`;
}
