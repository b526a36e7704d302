// When a power-law fit is not to be believed. Every spectrum gives some alpha, pure noise too (docs/definitions.md).

import type { Tail } from "../data/spectrum.ts";

export const LEAST_P = 0.1;
export const LEAST_TAIL = 50;
const DEVIATIONS = 2;

export interface Trust {
  readonly trusted: boolean;
  readonly reasons: readonly string[];
}

/** Standard deviation of the maximum-likelihood alpha, (α − 1)/√n. Clauset, Shalizi & Newman 2009, equation 3.2. */
export function alphaSd(tail: Tail): number {
  return (tail.alpha - 1) / Math.sqrt(tail.count);
}

export function trust(tail: Tail): Trust {
  if (!Number.isFinite(tail.alpha)) return { trusted: false, reasons: ["no tail was fitted"] };
  const reasons = [];
  if (Number.isNaN(tail.p)) reasons.push("its bootstrap p was not recorded");
  else if (tail.p < LEAST_P) reasons.push(`p = ${tail.p.toFixed(2)} < ${LEAST_P}: no power law`);
  if (!(tail.count >= LEAST_TAIL)) reasons.push(`only ${tail.count} eigenvalues in the tail, fewer than ${LEAST_TAIL}`);
  if (Math.abs(tail.alpha - tail.noise) < DEVIATIONS * alphaSd(tail)) {
    reasons.push(
      `noise of the same shape gives alpha ${tail.noise.toFixed(2)}, within ${DEVIATIONS} standard deviations`,
    );
  }
  return { trusted: reasons.length === 0, reasons };
}
