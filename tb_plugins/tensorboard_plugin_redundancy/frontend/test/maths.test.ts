import assert from "node:assert/strict";
import test from "node:test";
import { binOf, edges, freedmanDiaconis, histogram, quantile } from "../src/maths/bins.ts";
import { brief, integer, short, signed, superscript } from "../src/maths/format.ts";
import {
  angleDensity,
  logGamma,
  marchenkoPastur,
  marchenkoPasturAbove,
  marchenkoPasturEdges,
  normalDensity,
  tailAbove,
  tailDensity,
} from "../src/maths/laws.ts";
import { trust } from "../src/maths/trust.ts";
import { close, random } from "./events.ts";

function integral(law: (x: number) => number, low: number, high: number, nodes = 20000): number {
  const width = (high - low) / nodes;
  let sum = 0;
  for (let i = 0; i < nodes; i++) sum += law(low + (i + 0.5) * width) * width;
  return sum;
}

test("the Marchenko–Pastur law integrates to 1 and has mean σ²", () => {
  for (const [q, sigma2] of [
    [1.5, 1],
    [4, 0.2],
    [20, 3],
  ] as const) {
    const [low, high] = marchenkoPasturEdges(q, sigma2);
    close(
      integral((x) => marchenkoPastur(x, q, sigma2), low, high),
      1,
      1e-4,
    );
    close(
      integral((x) => x * marchenkoPastur(x, q, sigma2), low, high),
      sigma2,
      1e-3 * sigma2,
    );
    assert.equal(marchenkoPastur(high * 1.01, q, sigma2), 0);
  }
});

test("the fraction above is the integral of the density", () => {
  const [low, high] = marchenkoPasturEdges(3, 0.5);
  const at = [low / 2, low, (low + high) / 2, high, 2 * high];
  const above = marchenkoPasturAbove(at, 3, 0.5);
  const expected = at.map((x) => integral((y) => marchenkoPastur(y, 3, 0.5), Math.max(x, low), high));
  expected.slice(0, 3).forEach((value, i) => close(above[i]!, value, 2e-4));
  assert.deepEqual([above[3], above[4]], [0, 0]);
});

test("ln Γ at whole and half numbers", () => {
  close(logGamma(1), 0, 1e-12);
  close(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-12);
  close(logGamma(11), Math.log(3628800), 1e-12);
});

test("angles of uniform directions: closed forms in 2 and 3 dimensions, integral 1 in many", () => {
  close(angleDensity(37, 2), 1 / 180, 1e-15);
  close(angleDensity(30, 3), (0.5 * 0.5 * Math.PI) / 180, 1e-15);
  for (const d of [2, 5, 100, 4608])
    close(
      integral((x) => angleDensity(x, d), 0, 180),
      1,
      1e-6,
    );
});

test("the tail's density is minus the derivative of the fraction above", () => {
  const slope = (tailAbove(2.001, 3.5, 1, 0.2) - tailAbove(1.999, 3.5, 1, 0.2)) / 0.002;
  close(tailDensity(2, 3.5, 1, 0.2), -slope, 1e-6);
  close(tailAbove(1, 3.5, 1, 0.2), 0.2, 1e-15);
});

test("the normal density", () => {
  close(normalDensity(0, 0, 1), 0.3989422804, 1e-9);
  close(
    integral((x) => normalDensity(x, 3, 2), -17, 23),
    1,
    1e-9,
  );
});

test("edges meet both ends exactly, and each value is in one bin: as a naive twin counts", () => {
  const draw = random();
  const values = Array.from({ length: 500 }, () => draw() ** 3 + 1e-6);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  for (const spacing of ["linear", "log"] as const) {
    const bins = edges(low, high, 17, spacing);
    assert.deepEqual([bins[0], bins[17]], [low, high]);
    const naive = Array.from(
      { length: 17 },
      (_, i) => values.filter((v) => v >= bins[i]! && (v < bins[i + 1]! || (i === 16 && v === high))).length,
    );
    assert.deepEqual([...histogram(values, null, bins)], naive);
    assert.equal(
      naive.reduce((a, b) => a + b),
      500,
    );
  }
});

test("weights count, and what lies outside or is NaN does not", () => {
  assert.deepEqual([...histogram([0, 1, 2, 3, NaN], [1, 2, 4, 8, 16], Float64Array.of(1, 2, 3))], [2, 12]);
  assert.equal(binOf(NaN, [0, 1]), -1);
});

test("quantiles and the width of Freedman & Diaconis", () => {
  assert.equal(quantile([1, 2, 3, 4], null, 0.5), 2);
  assert.equal(quantile([1, 2, 3, 4], [1, 1, 1, 97], 0.5), 4);
  const values = Array.from({ length: 1000 }, (_, i) => i / 1000);
  assert.equal(freedmanDiaconis(values, null, 2, 1000), Math.ceil(2 / ((2 * 0.5) / 10)));
  assert.equal(freedmanDiaconis([1, 1, 1], null, 0, 3), 20);
});

const TAIL = { alpha: 3, p: 0.5, noise: 8, count: 60, xmin: 1, ks: 0.1 };

test("a fit is trusted only where nothing speaks against it", () => {
  assert.deepEqual(trust(TAIL), { trusted: true, reasons: [] });
  const doubts: [Partial<typeof TAIL>, RegExp][] = [
    [{ p: 0.09 }, /p = 0.09 < 0.1/],
    [{ p: NaN }, /not recorded/],
    [{ count: 49 }, /only 49/],
    [{ noise: 3.5 }, /noise of the same shape gives alpha 3.50/], // (3 − 1)/√60 = 0.258, twice that is 0.516
    [{ alpha: NaN }, /no tail/],
  ];
  for (const [change, reason] of doubts) {
    const found = trust({ ...TAIL, ...change });
    assert.equal(found.trusted, false);
    assert.match(found.reasons.join(), reason);
  }
  assert.equal(trust({ ...TAIL, noise: 3.52 }).trusted, true);
});

test("numbers as text", () => {
  const texts = [0, 12, 1234567, 0.1 + 0.2, 1.23456e-5, -2.5, NaN, Infinity].map(short);
  assert.deepEqual(texts, ["0", "12", "1.235e+6", "0.3", "1.235e−5", "−2.5", "NaN", "∞"]);
  assert.deepEqual([brief(2.2049), brief(1234), signed(2), signed(-2)], ["2.2", "1,234", "+2", "−2"]);
  assert.deepEqual([integer(12345.6), superscript(-14)], ["12,346", "⁻¹⁴"]);
});
