// Values with weights → edges and counts. Every value between the first and the last edge is in exactly one bin.

export type Spacing = "linear" | "log";

/** count + 1 edges from low to high, evenly spaced or in equal ratios (then low > 0). */
export function edges(low: number, high: number, count: number, spacing: Spacing): Float64Array {
  const found = new Float64Array(count + 1);
  for (let i = 0; i <= count; i++) {
    const share = i / count;
    found[i] = spacing === "log" ? low * (high / low) ** share : low + (high - low) * share;
  }
  found[0] = low;
  found[count] = high;
  return found;
}

/** Weights of the values in [edge, next edge), the last bin with its upper end; values outside are not counted. */
export function histogram(
  values: ArrayLike<number>,
  weights: ArrayLike<number> | null,
  bins: Float64Array,
): Float64Array {
  const counts = new Float64Array(Math.max(0, bins.length - 1));
  for (let i = 0; i < values.length; i++) {
    const bin = binOf(values[i]!, bins);
    if (bin >= 0) counts[bin]! += weights ? weights[i]! : 1;
  }
  return counts;
}

/** Index of the bin that holds the value, −1 outside and for NaN. */
export function binOf(value: number, bins: ArrayLike<number>): number {
  const last = bins.length - 1;
  if (!(value >= bins[0]! && value <= bins[last]!)) return -1;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (value >= bins[middle]!) low = middle;
    else high = middle;
  }
  return low;
}

/** The weighted quantile of ascending values: the first at which the share of weights reaches p. */
export function quantile(values: ArrayLike<number>, weights: ArrayLike<number> | null, p: number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += weights ? weights[i]! : 1;
  let below = 0;
  for (let i = 0; i < values.length; i++) {
    below += weights ? weights[i]! : 1;
    if (below >= p * total) return values[i]!;
  }
  return Number.NaN;
}

/** Number of bins of width 2 IQR / n^(1/3) (Freedman & Diaconis 1981) over the range, at least 20 and at most 120. */
export function freedmanDiaconis(
  values: ArrayLike<number>,
  weights: ArrayLike<number> | null,
  range: number,
  total: number,
): number {
  const width = (2 * (quantile(values, weights, 0.75) - quantile(values, weights, 0.25))) / Math.cbrt(total);
  return width > 0 && range > 0 ? Math.max(20, Math.min(120, Math.ceil(range / width))) : 20;
}
