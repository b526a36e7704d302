// The laws that pictures show beside what was measured. Densities per unit of their argument; angles in degrees.

/** Edges λ± = σ²(1 ± 1/√Q)² of the Marchenko–Pastur law of WᵀW/N, N × M with Q = N/M ≥ 1. */
export function marchenkoPasturEdges(q: number, sigma2: number): [number, number] {
  return [sigma2 * (1 - 1 / Math.sqrt(q)) ** 2, sigma2 * (1 + 1 / Math.sqrt(q)) ** 2];
}

/** ρ(λ) = Q/(2πσ²) √((λ₊ − λ)(λ − λ₋))/λ between the edges, else 0. Marchenko & Pastur 1967. */
export function marchenkoPastur(lambda: number, q: number, sigma2: number): number {
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  if (!(lambda > low && lambda < high && lambda > 0)) return 0;
  return ((q / (2 * Math.PI * sigma2)) * Math.sqrt((high - lambda) * (lambda - low))) / lambda;
}

/** Fraction of the law above each λ of an ascending grid, by the midpoint rule in θ, λ = middle + radius · cos θ. */
export function marchenkoPasturAbove(lambda: ArrayLike<number>, q: number, sigma2: number): Float64Array {
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  const middle = (low + high) / 2;
  const radius = (high - low) / 2;
  const nodes = 400;
  const above = new Float64Array(nodes + 1); // above[k]: mass of cos θ > cos(πk/nodes)
  for (let k = 0; k < nodes; k++) {
    const theta = (Math.PI * (k + 0.5)) / nodes;
    const at = middle + radius * Math.cos(theta);
    above[k + 1] = above[k]! + (marchenkoPastur(at, q, sigma2) * radius * Math.sin(theta) * Math.PI) / nodes;
  }
  return Float64Array.from(lambda, (x) => {
    const cosine = Math.max(-1, Math.min(1, (x - middle) / radius));
    const place = (Math.acos(cosine) / Math.PI) * nodes;
    const k = Math.min(nodes - 1, Math.floor(place));
    return above[k]! + (place - k) * (above[k + 1]! - above[k]!);
  });
}

/** Share of all values times the tail's density, (n_tail/n)(α − 1)/xmin · (λ/xmin)^−α. */
export function tailDensity(lambda: number, alpha: number, xmin: number, share: number): number {
  return ((share * (alpha - 1)) / xmin) * (lambda / xmin) ** -alpha;
}

/** The fraction of all values at or above λ ≥ xmin. */
export function tailAbove(lambda: number, alpha: number, xmin: number, share: number): number {
  return share * (lambda / xmin) ** (1 - alpha);
}

/** ln Γ(x) for x > 0, by recurrence to x ≥ 8 and Stirling's series: 12 digits. */
export function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 8; at++) shift += Math.log(at);
  const inverse = 1 / (at * at);
  const series =
    (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse * (1 / 1188))))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** Density of the angle between uniform directions of dimension d ≥ 2, ∝ sin^(d−2). Cai, Fan & Jiang 2013. */
export function angleDensity(degrees: number, d: number): number {
  const beta = logGamma((d - 1) / 2) + logGamma(0.5) - logGamma(d / 2);
  const sine = Math.sin((degrees * Math.PI) / 180);
  const power = d === 2 ? 0 : (d - 2) * Math.log(sine);
  return (Math.exp(power - beta) * Math.PI) / 180;
}

export function normalDensity(x: number, mean: number, sd: number): number {
  return Math.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * Math.sqrt(2 * Math.PI));
}
