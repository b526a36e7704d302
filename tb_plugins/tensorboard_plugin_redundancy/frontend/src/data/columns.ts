// One number for each step of a series: what tables, sparklines and the heat map of layers are made of.

import type { Event } from "./series.ts";
import { METRICS, believable } from "./metrics.ts";

export interface Column {
  readonly steps: readonly number[];
  readonly values: Float64Array;
  readonly believable: readonly boolean[] | null; // null: all are
  readonly complete: boolean; // all steps, not only the last
}

/** {metric: its column} of a series of the kind; "" holds the steps alone, for kinds without a metric. */
export function columnsOf(kind: string, events: readonly Event[], complete: boolean): ReadonlyMap<string, Column> {
  const steps = events.map(({ step }) => step);
  const found = new Map<string, Column>();
  for (const metric of METRICS.filter((each) =>
    kind === "scalar" ? (each.scalar ?? each.plain) : each.kind === kind,
  )) {
    const values = Float64Array.from(events, (event) => (kind === "scalar" ? event.data[0]! : metric.value(event)));
    const trusted = metric.id === "alpha" && kind === "esd" ? events.map(believable) : null;
    found.set(metric.id, { steps, values, believable: trusted, complete });
  }
  if (!found.size) found.set("", { steps, values: new Float64Array(steps.length), believable: null, complete });
  return found;
}
