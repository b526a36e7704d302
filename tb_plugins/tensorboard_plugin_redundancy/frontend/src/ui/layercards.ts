// The cards of spectra, angles and masks: one picture of all layers side by side, or all pictures of one layer.

import type { Event } from "../data/series.ts";
import { anglesDifference, anglesOverTime, anglesPlot } from "../pictures/angles.ts";
import { ccdfPlot } from "../pictures/ccdf.ts";
import { differencePlot, histogramPlot } from "../pictures/histogram.ts";
import { keptPlot, survivalPlot, unitsPlot } from "../pictures/masks.ts";
import { pairsDifference, pairsOverTime, pairsPlot } from "../pictures/pairs.ts";
import { atMost, type Options, type Source } from "../pictures/source.ts";
import { spectrumOverTime } from "../pictures/spectrumovertime.ts";
import { emptyPlot, info, type Note, type Plot } from "../plot/plot.ts";
import { clipped, runNames } from "../runs.ts";
import type { State, View } from "../state.ts";
import type { CardSpec } from "./card.ts";
import { gather, mainRun, otherRun, type Context, type Gathered } from "./gather.ts";

/** A way to draw a kind of series. */
export interface Picture {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly perRun: boolean; // one card for each run, because they can not lie over each other
  draw(layer: string, sources: readonly Source[], options: Options, nulls: ReadonlyMap<string, readonly Event[]>): Plot;
  difference: ((layer: string, a: Source, b: Source, options: Options) => Plot) | null;
}

function overTime(draw: (layer: string, source: Source, minus: Source | null, options: Options) => Plot) {
  return {
    perRun: true,
    draw: (layer: string, [source]: readonly Source[], options: Options) => draw(layer, source!, null, options),
    difference: draw,
  };
}

type OverTime = (
  shape: "ridges" | "heat",
  layer: string,
  source: Source,
  minus: Source | null,
  options: Options,
) => Plot;

function shaped(draw: OverTime, shape: "ridges" | "heat") {
  return overTime((layer, source, minus, options) => draw(shape, layer, source, minus, options));
}

export const PICTURES: Readonly<Record<Exclude<View, "overview">, readonly Picture[]>> = {
  spectrum: [
    {
      id: "histogram",
      title: "histogram",
      kind: "esd",
      perRun: false,
      draw: histogramPlot,
      difference: differencePlot,
    },
    { id: "ccdf", title: "CCDF", kind: "esd", perRun: false, draw: ccdfPlot, difference: null },
    { id: "ridges", title: "ridges", kind: "esd", ...shaped(spectrumOverTime, "ridges") },
    { id: "heat", title: "heat map", kind: "esd", ...shaped(spectrumOverTime, "heat") },
  ],
  angles: [
    {
      id: "centre",
      title: "to the centre",
      kind: "angles",
      perRun: false,
      draw: (layer, sources, options, nulls) => anglesPlot(layer, sources, nulls, options),
      difference: anglesDifference,
    },
    {
      id: "pairs",
      title: "between units",
      kind: "pair_angles",
      perRun: false,
      draw: pairsPlot,
      difference: pairsDifference,
    },
    { id: "ridges", title: "ridges", kind: "angles", ...shaped(anglesOverTime, "ridges") },
    { id: "heat", title: "heat map", kind: "angles", ...shaped(anglesOverTime, "heat") },
    { id: "pair_ridges", title: "pairs, ridges", kind: "pair_angles", ...shaped(pairsOverTime, "ridges") },
    { id: "pair_heat", title: "pairs, heat map", kind: "pair_angles", ...shaped(pairsOverTime, "heat") },
  ],
  masks: [
    { id: "kept", title: "kept units", kind: "mask", perRun: false, draw: keptPlot, difference: null },
    {
      id: "units",
      title: "which units",
      kind: "mask",
      perRun: true,
      draw: (layer, [source], options) => unitsPlot(layer, source!, options),
      difference: null,
    },
    {
      id: "survival",
      title: "weights per unit",
      kind: "survival",
      perRun: false,
      draw: survivalPlot,
      difference: null,
    },
  ],
};

export function pictureOf(state: State): Picture {
  const pictures = PICTURES[state.view as Exclude<View, "overview">];
  return pictures.find(({ id }) => id === state.picture) ?? pictures[0]!;
}

const MOST_PER_RUN = 4;
const SMALL = 264;
const LARGE = 360;

export function layerCards(context: Context): CardSpec[] {
  const { state } = context;
  const pictures = PICTURES[state.view as Exclude<View, "overview">];
  if (state.layer) return pictures.flatMap((picture) => cardsOf(context, state.layer, picture, true));
  const picture = pictureOf(state);
  return context.layers.flatMap((layer) => cardsOf(context, layer, picture, false));
}

/** The cards of a picture of a layer: one for all runs, or one for each; none where no run has such a series. */
function cardsOf(context: Context, layer: string, picture: Picture, large: boolean): CardSpec[] {
  const [a, b] = [mainRun(context), otherRun(context)];
  const compares = b !== undefined && a !== undefined && picture.difference !== null;
  if (compares) return card(context, layer, picture, large, [a, b], true);
  const runs = b !== undefined && a !== undefined ? [a, b] : context.shown;
  if (!picture.perRun) return card(context, layer, picture, large, runs, false);
  const having = runs.filter((run) => context.catalogue.find(layer, picture.kind, run));
  const ordered = a !== undefined && having.includes(a) ? [a, ...having.filter((run) => run !== a)] : having;
  const most = large ? MOST_PER_RUN : 1;
  return ordered.slice(0, most).flatMap((run) => card(context, layer, picture, large, [run], false));
}

function card(
  context: Context,
  layer: string,
  picture: Picture,
  large: boolean,
  runs: readonly string[],
  compares: boolean,
): CardSpec[] {
  const some = atMost(runs.filter((run) => context.catalogue.find(layer, picture.kind, run)));
  const found = gather(context, layer, picture.kind, some.runs);
  if (!found.wants.length && !found.notes.length) return [];
  const nulls = picture.id === "centre" && !compares ? gather(context, layer, "angles_null", some.runs) : null;
  const { state } = context;
  const run = runs[0] ?? "";
  return [
    {
      id: JSON.stringify([picture.id, layer, large, picture.perRun ? run : ""]),
      title: large ? picture.title : layer,
      subtitle: subtitle(context, picture, layer, runs, compares),
      height: large ? LARGE : SMALL,
      wide: false,
      wants: [...found.wants, ...(nulls?.wants ?? [])],
      loading: found.loading,
      stamp: JSON.stringify([found.stamp, some.notes, nulls?.stamp, compares, optionsStamp(state, picture)]),
      step: state.step,
      open: large ? null : () => context.open(layer),
      series: found.wants[0] ?? null,
      build: () => withNotes(drawn(layer, picture, found, nulls, compares, state), [...found.notes, ...some.notes]),
    },
  ];
}

function subtitle(
  context: Context,
  picture: Picture,
  layer: string,
  runs: readonly string[],
  compares: boolean,
): string {
  const shape = runs.map((run) => context.catalogue.find(layer, picture.kind, run)?.info.shape).find((each) => each);
  const size = shape ? `${shape[0]} × ${shape[1]}` : "";
  const labels = runNames(context.shown);
  const names = runs.map((run) => clipped(labels.get(run) ?? run, 12, 23));
  const named = compares ? names.join(" − ") : picture.perRun ? names[0] : "";
  return [size, named].filter((text) => text).join(" · ");
}

/** What a picture depends on beside its series; pictures over steps do not change with the step. */
function optionsStamp(state: State, picture: Picture): unknown {
  const { step, from, to, logX, logY, bins, ghost, fixed, degrees, threshold } = state;
  return [
    picture.perRun || picture.id === "kept" ? null : step,
    from,
    to,
    logX,
    logY,
    bins,
    ghost,
    fixed,
    degrees,
    threshold,
    picture.id === "kept" ? step : null,
  ];
}

function drawn(
  layer: string,
  picture: Picture,
  { sources, loading }: Gathered,
  nulls: Gathered | null,
  compares: boolean,
  state: State,
): Plot {
  const some = sources.filter(({ events }) => events.length);
  const runs = sources.map(({ run }) => run);
  if (!some.length) return emptyPlot(layer, picture.kind, runs, loading ? [] : [info("no step was recorded")]);
  if (compares && picture.difference) {
    if (some.length < 2)
      return emptyPlot(layer, picture.kind, runs, loading ? [] : [info("A − B needs this layer in both runs")]);
    return picture.difference(layer, some[0]!, some[1]!, state);
  }
  return picture.draw(layer, some, state, new Map(nulls?.sources.map(({ run, events }) => [run, events])));
}

function withNotes(plot: Plot, notes: readonly Note[]): Plot {
  return notes.length ? { ...plot, notes: [...notes, ...plot.notes] } : plot;
}
