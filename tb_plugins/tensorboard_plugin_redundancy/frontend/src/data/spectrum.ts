// An `esd` event: eigenvalues of WᵀW/N. Above 256 of them 192 quantiles stand for all but the exact top 64, so each has a weight.

import type { Event } from "./series.ts";

const TOP = 64;

export interface Spectrum {
  readonly values: Float32Array; // ascending
  readonly weights: Float32Array; // how many eigenvalues each stands for
  readonly total: number;
  readonly zeros: number;
  readonly q: number;
  readonly sigma2: number;
  readonly bulkEdge: number;
  readonly spikes: number;
  readonly tail: Tail;
  readonly nonfinite: number; // values that are NaN or infinite, left out above
}

export interface Tail {
  readonly alpha: number;
  readonly p: number; // of the bootstrap
  readonly noise: number; // alpha of noise of the same shape
  readonly count: number;
  readonly xmin: number;
  readonly ks: number;
}

export function tailOf(event: Event): Tail {
  return {
    alpha: event.head("alpha"),
    p: event.head("alpha_p"),
    noise: event.head("alpha_noise"),
    count: event.head("n_tail"),
    xmin: event.head("xmin"),
    ks: event.head("ks"),
  };
}

export function readSpectrum(event: Event): Spectrum {
  const all = event.data;
  const values = all.every(Number.isFinite) ? all : all.filter(Number.isFinite);
  const total = Number.isFinite(event.head("n_total")) ? event.head("n_total") : values.length;
  return {
    values,
    weights: weights(values.length, total),
    total,
    zeros: event.head("n_zero"),
    q: event.head("q"),
    sigma2: event.head("sigma2"),
    bulkEdge: event.head("bulk_edge"),
    spikes: event.head("spikes"),
    tail: tailOf(event),
    nonfinite: all.length - values.length,
  };
}

const known = new Map<string, Float32Array>();

function weights(stored: number, total: number): Float32Array {
  const key = `${stored} ${total}`;
  const found = known.get(key) ?? new Float32Array(stored).fill(1);
  if (!known.has(key)) {
    const quantiles = stored - TOP;
    if (total > stored && quantiles > 0) found.fill((total - TOP) / quantiles, 0, quantiles);
    if (known.size > 1000) known.clear();
    known.set(key, found);
  }
  return found;
}

export function largest(spectrum: Spectrum): number {
  return spectrum.values.length ? spectrum.values[spectrum.values.length - 1]! : Number.NaN;
}

/** λ_max over the bulk edge: above 1 the spectrum has spikes. */
export function edgeExcess(spectrum: Spectrum): number {
  return largest(spectrum) / spectrum.bulkEdge;
}
