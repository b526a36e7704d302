// Angles between each two units, as density per degree, beside the law of uniform directions, ∝ sin^(d−2).

import type { Event } from "../data/series.ts";
import { angleDensity } from "../maths/laws.ts";
import { counted, short, superscript } from "../maths/format.ts";
import { emptyPlot, info, warning, type Continuous, type Mark, type Plot } from "../plot/plot.ts";
import { heatPlot, ridgePlot, type Histograms } from "./overtime.ts";
import { at, remembered, within, type Now, type Options, type Source } from "./source.ts";
import { degreeEdges, rebinned } from "./angles.ts";

const KIND = "pair angles";

function total(event: Event): number {
  return event.data.reduce((a, b) => a + b, 0);
}

/** Share of the pairs per degree. */
function density(event: Event, edges: Float64Array): Float64Array {
  return rebinned(event.data, edges, 1).map((share) => share / (edges[1]! - edges[0]!));
}

/** The degrees between which pairs lie, and 60–120° at least, with a margin. */
function present(events: readonly Event[]): [number, number] {
  return remembered(events, "degrees", () => {
    let [low, high] = [60, 120];
    for (const event of events) {
      const first = event.data.findIndex((count) => count > 0);
      if (first >= 0) low = Math.min(low, first);
      event.data.forEach((count, degree) => (high = count > 0 ? Math.max(high, degree + 1) : high));
    }
    return [Math.max(0, low - 5), Math.min(180, high + 5)];
  });
}

function axisOf(events: readonly (readonly Event[])[]): Continuous {
  const ends = events.map(present);
  const domain: [number, number] = [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
  return { scale: "linear", label: "angle between two units (°)", domain };
}

export function pairsPlot(layer: string, sources: readonly Source[], options: Options): Plot {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  const some = now.filter(({ event }) => total(event) > 0);
  if (!some.length) return emptyPlot(layer, KIND, runs, [warning("no two units with a direction")]);
  const axis = axisOf(some.map(({ events, event }) => (options.fixed ? events : [event])));
  const edges = degreeEdges(180, options.degrees);
  const marks: Mark[] = [
    ...some.flatMap((each) => one(each, edges, some.length === 1, options)),
    ...law(some[0]!, axis),
  ];
  const shown = marks.flatMap((mark) =>
    "heights" in mark ? [...mark.heights] : mark.type === "line" ? Array.from(mark.y) : [],
  );
  const every = options.fixed ? some.map(({ events }) => densest(events, edges)) : [];
  return {
    title: layer,
    kind: KIND,
    runs,
    step: some[0]!.event.step,
    x: axis,
    y: { scale: "linear", label: "density per degree", domain: [0, 1.08 * Math.max(...shown, ...every)] },
    marks,
    notes: [],
  };
}

function densest(events: readonly Event[], edges: Float64Array): number {
  return remembered(events, `densest ${edges.length}`, () =>
    events.reduce((most, event) => Math.max(most, ...density(event, edges)), 0),
  );
}

function one(now: Now, edges: Float64Array, alone: boolean, options: Options): Mark[] {
  const heights = density(now.event, edges);
  if (!alone) return [{ type: "outline", label: now.name, ink: now.ink, edges, heights }];
  const first = now.events[0]!;
  const label = `${counted(total(now.event), "pair")}, step ${short(now.event.step)}`;
  const ghost: Mark[] =
    options.ghost && first.step !== now.event.step
      ? [{ type: "outline", label: `step ${short(first.step)}`, ink: "ghost", edges, heights: density(first, edges) }]
      : [];
  return [{ type: "bars", label, ink: "measured", edges, heights }, ...ghost];
}

function law({ event }: Now, axis: Continuous): Mark[] {
  const d = event.head("fan_in");
  if (!(d >= 2)) return [];
  const [low, high] = axis.domain;
  const x = Array.from({ length: 361 }, (_, i) => low + ((high - low) * i) / 360);
  const y = x.map((degrees) => (d === 2 ? 1 / 180 : angleDensity(degrees, d)));
  return [{ type: "line", label: `uniform directions, sin${superscript(d - 2)} θ`, ink: "noise", x, y, dashed: true }];
}

export function pairsDifference(layer: string, a: Source, b: Source, options: Options): Plot {
  const now = at([a, b], options.step);
  const runs = now.map(({ run }) => run);
  if (now.length < 2) return emptyPlot(layer, KIND, runs, [warning("A − B needs pairs in both runs")]);
  const edges = degreeEdges(180, options.degrees);
  const [first, second] = now.map(({ event }) => density(event, edges)) as [Float64Array, Float64Array];
  const heights = first.map((height, i) => height - second[i]!);
  const top = 1.1 * Math.max(1e-12, ...heights.map(Math.abs));
  return {
    title: layer,
    kind: KIND,
    runs,
    step: now[0]!.event.step,
    x: axisOf(now.map(({ events }) => events)),
    y: { scale: "linear", label: "difference of density per degree", domain: [-top, top] },
    marks: [{ type: "bars", label: `${now[0]!.name} − ${now[1]!.name}`, ink: "measured", edges, heights }],
    notes: [],
  };
}

export function pairsOverTime(
  shape: "ridges" | "heat",
  layer: string,
  source: Source,
  minus: Source | null,
  options: Options,
): Plot {
  const events = within(source.events, options);
  const axis = axisOf([source.events, ...(minus ? [minus.events] : [])]);
  const [low, high] = axis.domain;
  const all = degreeEdges(180, options.degrees);
  const [from, to] = [Math.floor(low / options.degrees), Math.ceil(high / options.degrees)];
  const edges = all.slice(from, to + 1);
  const shown: Histograms = {
    kind: KIND,
    axis: { ...axis, domain: [edges[0]!, edges[edges.length - 1]!] },
    edges,
    label: "density per degree",
    heights: (event) => density(event, all).slice(from, to),
    curves: [],
    notes: source.events.some((event) => total(event) === 0) ? [info("steps without two units stay empty")] : [],
  };
  return (shape === "ridges" ? ridgePlot : heatPlot)(layer, source, minus, events, shown);
}
