// The columns of the overview: each is one number of a layer and step, from a plain scalar where one is logged, else from a series.

import { trust } from "../maths/trust.ts";
import type { Event } from "./series.ts";
import { tailOf } from "./spectrum.ts";

export interface Metric {
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  readonly scalar: string | null; // `<scalar>/<layer>` in the Time Series tab
  readonly kind: string | null; // of the series that has it
  readonly plain?: string; // scalar with the same number, quick to load, without what says whether to trust it
  value(event: Event): number;
}

export const METRICS: readonly Metric[] = [
  {
    id: "alpha",
    title: "alpha",
    meaning: "exponent of the power law fitted to the tail; in brackets where the fit is not trustworthy",
    scalar: null,
    kind: "esd",
    plain: "alpha",
    value: (event) => event.head("alpha"),
  },
  {
    id: "stable_rank",
    title: "stable rank",
    meaning: "‖W‖²F / ‖W‖²₂",
    scalar: "stable_rank",
    kind: null,
    value: () => Number.NaN,
  },
  {
    id: "spikes",
    title: "spikes",
    meaning: "eigenvalues above the bulk edge",
    scalar: null,
    kind: "esd",
    plain: "spikes",
    value: (event) => event.head("spikes"),
  },
  {
    id: "excess",
    title: "λmax / edge",
    meaning: "bulk edge excess: largest eigenvalue over the bulk edge of noise; above 1 there are spikes",
    scalar: null,
    kind: "esd",
    value: (event) => (event.data.length ? event.data[event.data.length - 1]! / event.head("bulk_edge") : Number.NaN),
  },
  {
    id: "frame_excess",
    title: "frame excess",
    meaning: "frame potential of the units, 0 at its least and 1 at its greatest value",
    scalar: "frame_excess",
    kind: null,
    value: () => Number.NaN,
  },
  {
    id: "clusters",
    title: "clusters",
    meaning: "groups of directions within 45°",
    scalar: "clusters",
    kind: null,
    value: () => Number.NaN,
  },
  {
    id: "mean_angle",
    title: "mean angle",
    meaning: "mean angle of the units to their cluster centre, in degrees",
    scalar: "mean_angle",
    kind: "angles",
    value: (event) => event.head("mean"),
  },
  {
    id: "kept",
    title: "kept units",
    meaning: "units that no mask prunes",
    scalar: null,
    kind: "mask",
    value: (event) => event.head("kept"),
  },
];

export function metricOf(id: string): Metric {
  return METRICS.find((metric) => metric.id === id) ?? METRICS[0]!;
}

/** Whether the alpha of a spectrum may be believed as it stands. */
export function believable(event: Event): boolean {
  return trust(tailOf(event)).trusted;
}
