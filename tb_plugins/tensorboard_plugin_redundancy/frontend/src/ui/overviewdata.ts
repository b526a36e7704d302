// Columns of the overview: where the value of a metric for a layer and run is, and what has to be loaded for it.

import { METRICS, type Metric } from "../data/metrics.ts";
import type { Column } from "../data/columns.ts";
import type { Want } from "../data/store.ts";
import type { Context } from "./gather.ts";

/** The series that holds a metric: the plain scalar where there is one, else ours; undefined where neither is. */
export function wantOf(
  context: Context,
  layer: string,
  run: string,
  metric: Metric,
  steps: "all" | "last",
): Want | undefined {
  const { catalogue } = context;
  const tag = metric.scalar === null ? null : `${metric.scalar}/${layer}`;
  if (tag !== null && catalogue.hasScalar(run, tag)) {
    return {
      run,
      tag,
      scalar: true,
      kind: "scalar",
      header: [],
      maxStep: catalogue.scalarStep(run, tag),
      steps: "all",
    };
  }
  const found = metric.kind === null ? undefined : catalogue.find(layer, metric.kind, run);
  if (!found?.info.supported) return undefined;
  const { header, maxStep } = found.info;
  return { run, tag: found.tag, scalar: false, kind: found.info.kind, header, maxStep, steps };
}

/** The plain scalar with the same number, where there is one: of a thousand layers it is loaded in a moment. */
export function plainWantOf(context: Context, layer: string, run: string, metric: Metric): Want | undefined {
  const { catalogue } = context;
  const tag = metric.plain === undefined ? null : `${metric.plain}/${layer}`;
  if (tag === null || !catalogue.hasScalar(run, tag)) return undefined;
  return { run, tag, scalar: true, kind: "scalar", header: [], maxStep: catalogue.scalarStep(run, tag), steps: "all" };
}

/** The column with all steps, from the plain scalar until the series is there. */
export function columnOf(context: Context, layer: string, run: string, metric: Metric): Column | undefined {
  const want = wantOf(context, layer, run, metric, "all");
  const column = want && context.store.column(run, want.tag, metric.id);
  if (column?.complete) return column;
  const plain = plainWantOf(context, layer, run, metric);
  return (plain && context.store.column(run, plain.tag, metric.id)) ?? column;
}

/** All steps of a metric of all layers, the lightest way. */
export function heatWants(
  context: Context,
  layers: readonly string[],
  runs: readonly string[],
  metric: Metric,
): Want[] {
  return layers.flatMap((layer) =>
    runs.flatMap((run) => plainWantOf(context, layer, run, metric) ?? wantOf(context, layer, run, metric, "all") ?? []),
  );
}

/** Everything of the layers, the metrics one after the other. */
export function wantsOf(
  context: Context,
  layers: readonly string[],
  runs: readonly string[],
  metrics: readonly Metric[],
  steps: "all" | "last",
): Want[] {
  return metrics.flatMap((metric) =>
    layers.flatMap((layer) => runs.flatMap((run) => wantOf(context, layer, run, metric, steps) ?? [])),
  );
}

/** Metrics that some layer of the runs has. */
export function metricsOf(context: Context, runs: readonly string[]): Metric[] {
  const { catalogue } = context;
  return METRICS.filter((metric) =>
    catalogue.layers.some((layer) => runs.some((run) => wantOf(context, layer, run, metric, "last"))),
  );
}
