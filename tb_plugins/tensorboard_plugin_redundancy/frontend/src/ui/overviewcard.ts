// The heat map of the overview, and what the overview has to load: the rows on the screen first.

import { metricOf, type Metric } from "../data/metrics.ts";
import type { Want } from "../data/store.ts";
import { counted, integer } from "../maths/format.ts";
import { overviewPlot } from "../pictures/overview.ts";
import type { CardSpec } from "./card.ts";
import type { Context } from "./gather.ts";
import { columnOf, heatWants, wantOf, wantsOf } from "./overviewdata.ts";

const LIGHT = 2000; // series: up to here every step of all layers is loaded
const MOST_LINES = 6; // runs in a sparkline

export function overviewWants(
  context: Context,
  visible: readonly string[],
  runs: readonly string[],
  metrics: readonly Metric[],
): Want[] {
  const { layers, shown, state } = context;
  const light = layers.length * runs.length * metrics.length <= LIGHT;
  return [
    ...wantsOf(context, visible, runs, metrics, "all"),
    ...wantsOf(context, layers, runs, metrics, light ? "all" : "last"),
    ...(light ? [] : heatWants(context, layers, runs, metricOf(state.metric))),
    ...wantsOf(context, visible, shown.slice(0, MOST_LINES), metrics, "all"),
  ];
}

/** Of one run, or of two the difference. */
export function overviewCard(context: Context, [first, second]: readonly string[]): CardSpec {
  const { state, store } = context;
  const metric = metricOf(state.metric);
  const runs = [first, second].filter((run) => run !== undefined);
  const layers = context.layers.filter((layer) => runs.some((run) => wantOf(context, layer, run, metric, "last")));
  const columns = layers.map((layer) => ({
    layer,
    column: columnOf(context, layer, runs[0]!, metric),
    minus: second === undefined ? null : columnOf(context, layer, second, metric),
  }));
  const loaded = columns.filter(({ column }) => column?.complete).length;
  const named = runs.map((run) => run || ".").join(" − ");
  return {
    id: "overview",
    title: `${metric.title} of every layer`,
    subtitle: `${named} · ${integer(loaded)} of ${counted(layers.length, "layer")} loaded`,
    height: Math.max(150, Math.min(420, 80 + 13 * layers.length)),
    wide: true,
    wants: [],
    loading: store.waiting > 0 && loaded === 0,
    stamp: JSON.stringify([runs, metric.id, layers, state.from, state.to, store.version]),
    step: state.step,
    open: null,
    series: null,
    build: () => overviewPlot(metric.title, runs, columns, state.from, state.to),
  };
}
