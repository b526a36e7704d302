// Series for tests, made as the schema has them.

import { toEvents, type Event } from "../src/data/series.ts";

export const HEADERS = {
  esd: [
    "n_total",
    "n_zero",
    "q",
    "sigma2",
    "bulk_lo",
    "bulk_edge",
    "alpha",
    "alpha_p",
    "alpha_noise",
    "n_tail",
    "xmin",
    "ks",
    "spikes",
  ],
  angles: ["units", "clusters", "mean", "null_mean", "null_sd"],
  angles_null: ["units", "fan_in", "draws", "mean"],
  pair_angles: ["units", "fan_in"],
  mask: ["units", "kept"],
  survival: ["fan_in", "kept", "null_mean", "null_sd", "p_value", "lift"],
};

export function events(
  kind: keyof typeof HEADERS,
  steps: readonly [step: number, header: Record<string, number>, data: readonly number[]][],
): Event[] {
  const names = HEADERS[kind];
  const values = steps.map(([, header, data]) =>
    Float32Array.from([...names.map((name) => header[name] ?? NaN), ...data]),
  );
  const answer = { run: "run", tag: kind, steps: steps.map(([step]) => step), wallTimes: [], values, error: null };
  return toEvents(answer, names);
}

export const FIT = {
  q: 2,
  sigma2: 1,
  bulk_edge: 3,
  alpha: 3,
  alpha_p: 0.5,
  alpha_noise: 8,
  n_tail: 60,
  xmin: 2,
  ks: 0.05,
  n_zero: 0,
};

/** A generator of numbers in [0, 1) that always gives the same ones. */
export function random(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function close(actual: number, expected: number, tolerance: number): void {
  if (!(Math.abs(actual - expected) <= tolerance))
    throw new Error(`${actual} is not within ${tolerance} of ${expected}`);
}
