// Binning of spectra: densities that integrate to 1 over what is measured. On a logarithmic axis per unit of ln λ, so that areas
// stay true; zeros have no place there, and a note counts them.

import { edgeExcess, readSpectrum, type Spectrum } from "../data/spectrum.ts";
import type { Event } from "../data/series.ts";
import { edges, freedmanDiaconis, histogram, type Spacing } from "../maths/bins.ts";
import { counted, short } from "../maths/format.ts";
import { trust } from "../maths/trust.ts";
import { info, warning, type Continuous, type Note } from "../plot/plot.ts";
import { nonfiniteNote, remembered, type Now, type Options, type Source } from "./source.ts";

export interface Binning {
  readonly edges: Float64Array;
  readonly spacing: Spacing;
  readonly axis: Continuous;
}

/** Nine decades are what float32 spectra resolve; below lies the rounding of zeros. */
const DECADES = 1e9;

const spectra = new WeakMap<Event, Spectrum>();

/** Each event is decoded once. */
export function decoded(event: Event): Spectrum {
  const known = spectra.get(event) ?? readSpectrum(event);
  spectra.set(event, known);
  return known;
}

/** Smallest positive and largest eigenvalue of the events, null where there is none. */
function extent(events: readonly Event[]): [number, number] | null {
  let low = Infinity;
  let high = 0;
  for (const event of events) {
    const { values } = decoded(event);
    const first = values.findIndex((value) => value > 0);
    if (first < 0) continue;
    low = Math.min(low, values[first]!);
    high = Math.max(high, values[values.length - 1]!);
  }
  return high > 0 ? [Math.max(low, high / DECADES), high] : null;
}

function joined(extents: readonly ([number, number] | null)[]): [number, number] | null {
  const known = extents.filter((each) => each !== null);
  return known.length ? [Math.min(...known.map(([low]) => low)), Math.max(...known.map(([, high]) => high))] : null;
}

/** Bins that all sources share: over all of their steps where the axes are fixed, else over what is shown. */
export function binning(sources: readonly Source[], shown: readonly Event[], options: Options): Binning | null {
  const extents = sources.map(({ events }) => remembered(events, "extent", () => extent(events)));
  const range = options.fixed ? joined(extents) : extent(shown);
  if (!range) return null;
  const spacing: Spacing = options.logX ? "log" : "linear";
  const [low, high] = options.logX ? [range[0] / 1.02, range[1] * 1.02] : [0, range[1] * 1.02];
  const measured = options.fixed ? sources[0]!.events.at(-1)! : shown[0]!;
  const count = options.bins || automatic(decoded(measured), low, high, spacing);
  const axis: Continuous = { scale: spacing, label: "eigenvalue λ of WᵀW/N", domain: [low, high] };
  return { edges: edges(low, high, count, spacing), spacing, axis };
}

function automatic(spectrum: Spectrum, low: number, high: number, spacing: Spacing): number {
  const first = spacing === "log" ? spectrum.values.findIndex((value) => value >= low) : 0;
  if (first < 0) return 20;
  const values = spectrum.values.subarray(first);
  const placed = spacing === "log" ? values.map(Math.log) : values;
  const range = spacing === "log" ? Math.log(high / low) : high - low;
  return freedmanDiaconis(placed, spectrum.weights.subarray(first), range, spectrum.total);
}

/** Share of the eigenvalues per unit of λ, or of ln λ. */
export function density(spectrum: Spectrum, bins: Binning): Float64Array {
  const counts = histogram(spectrum.values, spectrum.weights, bins.edges);
  return counts.map((count, i) => count / (spectrum.total * width(bins, i)));
}

export function width({ edges: ends, spacing }: Binning, i: number): number {
  return spacing === "log" ? Math.log(ends[i + 1]! / ends[i]!) : ends[i + 1]! - ends[i]!;
}

export function densityLabel(spacing: Spacing): string {
  return spacing === "log" ? "density per ln λ" : "density per λ";
}

/** Densities of all events in the bins, computed once for a series and a binning. */
export function densities(events: readonly Event[], bins: Binning): Float64Array[] {
  const key = `densities ${bins.spacing} ${bins.edges.length} ${bins.axis.domain.join(" ")}`;
  return remembered(events, key, () => events.map((event) => density(decoded(event), bins)));
}

/** What to know before believing the picture of one run: values left out, spikes, trust in the tail. */
export function spectrumNotes({ event }: Now, logarithmic: boolean, prefix = ""): Note[] {
  const spectrum = decoded(event);
  if (!spectrum.values.length) return [warning(`${prefix}no eigenvalues at this step: weights are NaN or infinite`)];
  const { trusted, reasons } = trust(spectrum.tail);
  return [
    ...nonfiniteNote(spectrum.nonfinite, "eigenvalues are"),
    ...(Number.isNaN(spectrum.sigma2) ? [info(`${prefix}no Marchenko–Pastur fit was recorded`)] : []),
    ...(trusted ? [] : [warning(`${prefix}fit of the tail not trustworthy: ${reasons.join("; ")}`)]),
    ...(logarithmic && spectrum.zeros > 0
      ? [info(`${prefix}${counted(spectrum.zeros, "zero")} not on a log axis`)]
      : []),
  ];
}

/** The numbers of a spectrum in words, as tables and screen readers have them. */
export function facts(event: Event): [name: string, value: string][] {
  const spectrum = decoded(event);
  const { tail } = spectrum;
  return [
    ["eigenvalues", short(spectrum.total)],
    ["Q = N/M", short(spectrum.q)],
    ["σ²", short(spectrum.sigma2)],
    ["bulk edge", short(spectrum.bulkEdge)],
    ["spikes", short(spectrum.spikes)],
    ["λ_max / edge", short(edgeExcess(spectrum))],
    ["alpha", short(tail.alpha)],
    ["alpha of noise", short(tail.noise)],
    ["p of the tail", short(tail.p)],
    ["eigenvalues in the tail", short(tail.count)],
    ["xmin", short(tail.xmin)],
    ["KS distance", short(tail.ks)],
    ["tail", trust(tail).trusted ? "trustworthy" : "not trustworthy"],
  ];
}
