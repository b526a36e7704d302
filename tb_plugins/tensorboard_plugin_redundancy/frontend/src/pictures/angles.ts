// Angles of the units to their cluster centres at one step: counts, coloured by cluster, beside step 0 and the recorded null,
// the same clustering of uniform-sphere draws. (Fitted centres select, so the density of the plain sphere is no null here.)

import { nearestEvent, type Event } from "../data/series.ts";
import { histogram } from "../maths/bins.ts";
import { counted, short } from "../maths/format.ts";
import { emptyPlot, info, warning, type Continuous, type Line, type Mark, type Note, type Plot } from "../plot/plot.ts";
import { heatPlot, ridgePlot, type Histograms } from "./overtime.ts";
import { at, remembered, sayOfEach, within, type Now, type Options, type Source } from "./source.ts";

const KIND = "angles";
const MOST_CLUSTERS = 8;

export interface UnitAngles {
  readonly angles: Float32Array; // degrees, NaN for a dead unit
  readonly clusters: Float32Array;
}

export function unitAngles(event: Event): UnitAngles {
  const half = event.data.length / 2;
  return { angles: event.data.subarray(0, half), clusters: event.data.subarray(half) };
}

export function degreeEdges(high: number, width: number): Float64Array {
  return Float64Array.from({ length: Math.max(1, Math.ceil(high / width)) + 1 }, (_, i) => i * width);
}

function greatest(events: readonly Event[]): number {
  return remembered(events, "greatest angle", () =>
    events.reduce((most, event) => unitAngles(event).angles.reduce((a, b) => (b > a ? b : a), most), 0),
  );
}

function live({ angles }: UnitAngles): number {
  return angles.reduce((count, angle) => count + (Number.isFinite(angle) ? 1 : 0), 0);
}

function axisTo(high: number): Continuous {
  return { scale: "linear", label: "angle to the cluster centre (°)", domain: [0, high] };
}

/** Counts over 0–180° in one-degree bins → counts in wider ones, scaled to a number of units. */
export function rebinned(counts: ArrayLike<number>, edges: Float64Array, total: number): Float64Array {
  const sum = Array.from(counts).reduce((a, b) => a + b, 0);
  const found = new Float64Array(edges.length - 1);
  for (let degree = 0; degree < counts.length; degree++) {
    const bin = Math.floor(degree / (edges[1]! - edges[0]!));
    if (bin < found.length) found[bin]! += (counts[degree]! * total) / (sum || 1);
  }
  return found;
}

export function anglesPlot(
  layer: string,
  sources: readonly Source[],
  nulls: ReadonlyMap<string, readonly Event[]>,
  options: Options,
): Plot {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  if (!now.length) return emptyPlot(layer, KIND, runs, [warning("no angles at this step")]);
  const first = now[0]!;
  const null_ = nearestEvent(nulls.get(first.run) ?? [], first.event.step);
  const edges = degreeEdges(farthest(now, null_, options), options.degrees);
  const drawn = now.length === 1 ? oneRun(first, edges, options) : now.map((each) => overlaid(each, edges));
  const marks: Mark[] = [
    ...drawn,
    ...(null_ ? [nullOutline(null_, edges, live(unitAngles(first.event)))] : []),
    { type: "rule", label: `${short(options.threshold)}°`, ink: "alert", x: options.threshold, dashed: true },
  ];
  return {
    title: layer,
    kind: KIND,
    runs,
    step: first.event.step,
    x: axisTo(edges[edges.length - 1]!),
    y: {
      scale: "linear",
      label: `units per ${short(options.degrees)}°`,
      domain: [0, highest(now, marks, edges, options)],
    },
    marks,
    notes: countNotes(now, null_, options),
  };
}

function farthest(now: readonly Now[], null_: Event | undefined, options: Options): number {
  const measured = now.map(({ events, event }) => greatest(options.fixed || options.ghost ? events : [event]));
  const drawn = null_ ? null_.data.reduce((most, count, degree) => (count > 0 ? degree + 1 : most), 0) : 0;
  return Math.min(180, Math.max(5, drawn, options.threshold, ...measured) + 1);
}

function oneRun({ event, events }: Now, edges: Float64Array, options: Options): Mark[] {
  const first = events[0]!;
  const ghost: Mark[] =
    options.ghost && first.step !== event.step
      ? [
          {
            type: "outline",
            label: `step ${short(first.step)}`,
            ink: "ghost",
            edges,
            heights: histogram(unitAngles(first).angles, null, edges),
          },
        ]
      : [];
  return [...stacked(unitAngles(event), edges), ...ghost];
}

/** A layer of bars for each cluster, one on top of the other. */
function stacked({ angles, clusters }: UnitAngles, edges: Float64Array): Mark[] {
  const names = [...new Set(clusters)].filter(Number.isFinite).sort((a, b) => a - b);
  if (names.length > MOST_CLUSTERS) {
    const label = `${counted(angles.length, "unit")} in ${names.length} clusters`;
    return [{ type: "bars", label, ink: "measured", edges, heights: histogram(angles, null, edges) }];
  }
  let base = new Float64Array(edges.length - 1);
  return names.map((name, i) => {
    const members = angles.filter((_, unit) => clusters[unit] === name);
    const heights = histogram(members, null, edges);
    const below = base;
    base = base.map((height, bin) => height + heights[bin]!);
    return {
      type: "bars",
      label: `cluster ${short(name + 1)}: ${members.length}`,
      ink: `cluster:${i}`,
      edges,
      heights,
      base: below,
    };
  });
}

function overlaid({ event, ink, name }: Now, edges: Float64Array): Mark {
  return { type: "outline", label: name, ink, edges, heights: histogram(unitAngles(event).angles, null, edges) };
}

function nullOutline(event: Event, edges: Float64Array, units: number): Mark {
  const heights = rebinned(event.data, edges, units);
  return {
    type: "outline",
    label: "null: uniform directions",
    ink: "noise",
    edges,
    heights,
    dashed: true,
  };
}

function highest(now: readonly Now[], marks: readonly Mark[], edges: Float64Array, options: Options): number {
  const shown = marks.flatMap((mark) =>
    "heights" in mark
      ? Array.from(mark.heights, (height, i) => height + ("base" in mark ? (mark.base?.[i] ?? 0) : 0))
      : [],
  );
  const every = options.fixed ? now.map(({ events }) => mostUnits(events, edges)) : [];
  return 1.08 * Math.max(1, ...shown, ...every);
}

function mostUnits(events: readonly Event[], edges: Float64Array): number {
  return remembered(events, `most units ${edges.length} ${edges[1]}`, () =>
    events.reduce((most, event) => Math.max(most, ...histogram(unitAngles(event).angles, null, edges)), 0),
  );
}

/** How many units lie within the threshold, and how many of the null would. */
function countNotes(now: readonly Now[], null_: Event | undefined, options: Options): Note[] {
  const dead = now.flatMap(({ name, event }) => {
    const shown = unitAngles(event);
    const lost = shown.angles.length - live(shown);
    const prefix = now.length > 1 ? `${name}: ` : "";
    return lost ? [warning(`${prefix}${counted(lost, "dead unit")} without a direction`)] : [];
  });
  const words = (each: Now) => withinWords(each, null_, options);
  if (now.length > 1) return [...sayOfEach(now, words), ...dead];
  const [mean, nullMean, sd] = ["mean", "null_mean", "null_sd"].map((name) => now[0]!.event.head(name)) as [
    number,
    number,
    number,
  ];
  const means = `mean ${mean.toFixed(1)}°, null ${nullMean.toFixed(1)} ± ${sd.toFixed(1)}°`;
  return [info(words(now[0]!)), info(means), ...dead];
}

function withinWords({ event }: Now, null_: Event | undefined, options: Options): string {
  const shown = unitAngles(event);
  const units = live(shown);
  const within_ = shown.angles.reduce((count, angle) => count + (angle <= options.threshold ? 1 : 0), 0);
  const expected = null_ ? expectedWithin(null_.data, options.threshold, units) : Number.NaN;
  const beside = Number.isNaN(expected) ? "" : ` (null ${short(Number(expected.toPrecision(3)))})`;
  return `${within_} of ${counted(units, "unit")} within ${short(options.threshold)}°${beside}`;
}

export function expectedWithin(counts: ArrayLike<number>, threshold: number, units: number): number {
  let [below, all] = [0, 0];
  for (let degree = 0; degree < counts.length; degree++) {
    all += counts[degree]!;
    below += counts[degree]! * Math.max(0, Math.min(1, threshold - degree));
  }
  return (below / all) * units;
}

/** Units of run A minus those of run B in each bin. */
export function anglesDifference(layer: string, a: Source, b: Source, options: Options): Plot {
  const now = at([a, b], options.step);
  if (now.length < 2)
    return emptyPlot(
      layer,
      KIND,
      now.map(({ run }) => run),
      [warning("A − B needs angles in both runs")],
    );
  const edges = degreeEdges(farthest(now, undefined, options), options.degrees);
  const [first, second] = now.map(({ event }) => histogram(unitAngles(event).angles, null, edges)) as [
    Float64Array,
    Float64Array,
  ];
  const heights = first.map((height, i) => height - second[i]!);
  const top = 1.1 * Math.max(1, ...heights.map(Math.abs));
  return {
    title: layer,
    kind: KIND,
    runs: now.map(({ run }) => run),
    step: now[0]!.event.step,
    x: axisTo(edges[edges.length - 1]!),
    y: { scale: "linear", label: `difference of units per ${short(options.degrees)}°`, domain: [-top, top] },
    marks: [{ type: "bars", label: `${now[0]!.name} − ${now[1]!.name}`, ink: "measured", edges, heights }],
    notes: [],
  };
}

export function anglesOverTime(
  shape: "ridges" | "heat",
  layer: string,
  source: Source,
  minus: Source | null,
  options: Options,
): Plot {
  const events = within(source.events, options);
  const high = Math.max(greatest(source.events), minus ? greatest(minus.events) : 0);
  const edges = degreeEdges(Math.min(180, high + 1), options.degrees);
  const mean: Line["ink"] = "alert";
  const shown: Histograms = {
    kind: KIND,
    axis: axisTo(edges[edges.length - 1]!),
    edges,
    label: `units per ${short(options.degrees)}°`,
    heights: (event) => histogram(unitAngles(event).angles, null, edges),
    curves: [
      { label: "mean", ink: mean, at: (event) => event.head("mean") },
      { label: "mean of the null", ink: mean, dashed: true, at: (event) => event.head("null_mean") },
    ],
    notes: [],
  };
  return (shape === "ridges" ? ridgePlot : heatPlot)(layer, source, minus, events, shown);
}
