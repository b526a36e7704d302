import assert from "node:assert/strict";
import test from "node:test";
import { anglesPlot, degreeEdges, expectedWithin, rebinned } from "../src/pictures/angles.ts";
import { ccdfPlot } from "../src/pictures/ccdf.ts";
import { differencePlot, histogramPlot } from "../src/pictures/histogram.ts";
import { keptPlot, survivalPlot, unitsPlot } from "../src/pictures/masks.ts";
import { overviewPlot } from "../src/pictures/overview.ts";
import { pairsPlot } from "../src/pictures/pairs.ts";
import { atMost, thinned, type Source } from "../src/pictures/source.ts";
import { spectrumOverTime } from "../src/pictures/spectrumovertime.ts";
import type { Bars, Mark, Plot } from "../src/plot/plot.ts";
import { DEFAULTS } from "../src/state.ts";
import { close, events, FIT, random } from "./events.ts";

function spectra(seed: number, steps = 3, size = 80): Source {
  const draw = random(seed);
  const made = Array.from({ length: steps }, (_, i) => {
    const values = Array.from({ length: size }, () => Math.fround(0.1 + 2 * draw())).sort((a, b) => a - b);
    return [10 * i, { ...FIT, n_total: size, spikes: 2 }, [...values, 3.5, 4 + i].slice(2)] as const;
  });
  return {
    run: `run${seed}`,
    colour: seed,
    events: events(
      "esd",
      made.map(([a, b, c]) => [a, { ...b }, c]),
    ),
  };
}

function mark<T extends Mark["type"]>(plot: Plot, type: T): Mark & { type: T } {
  const found = plot.marks.find((each) => each.type === type);
  assert.ok(found, `${type} in ${plot.marks.map((each) => each.type).join()}`);
  return found as Mark & { type: T };
}

test("a histogram's area is the share of eigenvalues on its axis, linear and logarithmic", () => {
  for (const logX of [true, false]) {
    const plot = histogramPlot("layer", [spectra(1)], { ...DEFAULTS, logX });
    const { edges, heights } = mark(plot, "bars");
    const width = (i: number) => (logX ? Math.log(edges[i + 1]! / edges[i]!) : edges[i + 1]! - edges[i]!);
    close(
      heights.reduce((sum, height, i) => sum + height * width(i), 0),
      1,
      1e-9,
    );
    assert.equal(plot.step, 20);
    assert.match(plot.y.label, logX ? /ln λ/ : /per λ/);
  }
});

test("the bins that are asked for, the spikes above the edge, the first step as a ghost", () => {
  const plot = histogramPlot("layer", [spectra(1)], { ...DEFAULTS, bins: 7, step: 10 });
  assert.equal(mark(plot, "bars").heights.length, 7);
  assert.deepEqual(Array.from(mark(plot, "rug").x), [3.5, 5]);
  assert.equal(mark(plot, "outline").label, "step 0");
  const labels = plot.marks.map(({ label }) => label).join("; ");
  assert.match(labels, /Marchenko–Pastur, σ² = 1; bulk edge 3; 2 spikes; alpha = 3; xmin 2/);
});

test("with fixed axes every step has the same bins and domain", () => {
  const source = spectra(1);
  const [a, b] = [0, 20].map((step) => histogramPlot("layer", [source], { ...DEFAULTS, step }));
  assert.deepEqual([a!.x, a!.y, mark(a!, "bars").edges], [b!.x, b!.y, mark(b!, "bars").edges]);
});

test("a doubtful fit is drawn and said", () => {
  const source: Source = {
    run: "run",
    colour: 0,
    events: events("esd", [[0, { ...FIT, n_total: 3, alpha_p: 0.01 }, [1, 2, 3]]]),
  };
  const plot = histogramPlot("layer", [source], DEFAULTS);
  assert.ok(plot.marks.some(({ label }) => label === "alpha = 3 (not trustworthy)"));
  assert.ok(plot.notes.some(({ level, text }) => level === "warning" && /p = 0.01 < 0.1/.test(text)));
});

test("NaN weights, zeros and no eigenvalue above 0 are said", () => {
  const broken: Source = { run: "run", colour: 0, events: events("esd", [[0, {}, []]]) };
  assert.match(histogramPlot("layer", [broken], DEFAULTS).notes[0]!.text, /NaN or infinite/);
  const zeros: Source = {
    run: "run",
    colour: 0,
    events: events("esd", [[0, { ...FIT, n_total: 3, n_zero: 2 }, [0, 0, 1]]]),
  };
  assert.ok(histogramPlot("layer", [zeros], DEFAULTS).notes.some(({ text }) => text === "2 zeros not on a log axis"));
  const nothing: Source = { run: "run", colour: 0, events: events("esd", [[0, { ...FIT, n_total: 1 }, [0]]]) };
  assert.equal(histogramPlot("layer", [nothing], DEFAULTS).marks.length, 0);
});

test("where weights became NaN the first step is still there, and its colours are those of NaN", () => {
  const made = events("esd", [
    [0, { ...FIT, n_total: 3 }, [1, 2, 3]],
    [5, {}, []],
  ]);
  const source: Source = { run: "run", colour: 0, events: made };
  const plot = histogramPlot("layer", [source], DEFAULTS);
  assert.deepEqual(
    plot.marks.map(({ label }) => label),
    ["step 0"],
  );
  assert.ok(plot.y.scale !== "band" && plot.y.domain.every(Number.isFinite));
  const { y } = ccdfPlot("layer", [source], DEFAULTS);
  assert.ok(y.scale !== "band" && y.domain.every((end) => end > 0 && Number.isFinite(end)));
  const { broken, columns } = mark(spectrumOverTime("heat", "layer", source, null, DEFAULTS), "cells");
  assert.deepEqual([columns, ...broken!.slice(0, 4)], [2, 0, 1, 0, 1]);
});

test("runs lie over each other in the same bins, in their colours", () => {
  const plot = histogramPlot("layer", [spectra(1), spectra(2)], DEFAULTS);
  const outlines = plot.marks.filter((each) => each.type === "outline");
  assert.deepEqual(
    outlines.map(({ ink }) => ink),
    ["run:1", "run:2"],
  );
  assert.equal(outlines[0]!.edges, outlines[1]!.edges);
});

test("of more than twelve runs the first twelve, and a note says so", () => {
  const runs = Array.from({ length: 13 }, (_, i) => String(i));
  assert.deepEqual(
    [atMost(runs).runs.length, atMost(runs).notes[0]!.text],
    [12, "12 of 13 runs are drawn: choose fewer"],
  );
  assert.deepEqual(atMost(["a"]), { runs: ["a"], notes: [] });
});

test("A − B is the difference of the two histograms", () => {
  const [a, b] = [spectra(1), spectra(2)];
  const both = histogramPlot("layer", [a, b], DEFAULTS).marks.filter((each) => each.type === "outline");
  const { heights } = mark(differencePlot("layer", a, b, DEFAULTS), "bars");
  heights.forEach((height, i) => close(height, both[0]!.heights[i]! - both[1]!.heights[i]!, 1e-12));
});

test("the CCDF falls from 1 to 1/n", () => {
  const { y } = mark(ccdfPlot("layer", [spectra(1)], { ...DEFAULTS, ghost: false }), "points");
  close(y[0]!, 1, 1e-9);
  close(y[y.length - 1]!, 1 / 80, 1e-9);
});

test("the heat map has a column of histogram for each step, ridges a row", () => {
  const source = spectra(1);
  const heat = mark(spectrumOverTime("heat", "layer", source, null, DEFAULTS), "cells");
  const ridges = mark(spectrumOverTime("ridges", "layer", source, null, DEFAULTS), "ridges");
  assert.deepEqual([heat.columns, heat.rows, ridges.rows.length], [3, ridges.edges.length - 1, 3]);
  ridges.rows[1]!.forEach((height, bin) => {
    const cell = heat.values[bin * 3 + 1]!;
    assert.equal(Number.isNaN(cell) ? 0 : cell, height);
  });
  const range = spectrumOverTime("heat", "layer", source, null, { ...DEFAULTS, from: 5, to: 15 });
  assert.equal(mark(range, "cells").columns, 1);
});

test("a run minus itself is nothing", () => {
  const source = spectra(1);
  const { values } = mark(spectrumOverTime("heat", "layer", source, source, DEFAULTS), "cells");
  assert.ok(values.every(Number.isNaN)); // zeros are left blank
});

test("thinned steps keep both ends", () => {
  const many = spectra(1, 101).events;
  const found = thinned(many, 40);
  assert.deepEqual([found.events.length, found.events[0]!.step, found.events[39]!.step], [40, 0, 1000]);
  assert.equal(found.notes[0]!.text, "40 of 101 steps are drawn");
});

const ANGLES: Source = {
  run: "run",
  colour: 0,
  events: events("angles", [
    [0, { units: 6, mean: 30, null_mean: 60, null_sd: 1 }, [10, 20, 30, 40, 50, NaN, 0, 0, 1, 1, 1, 0]],
  ]),
};

test("units under the threshold are counted beside the null", () => {
  const null_ = events("angles_null", [
    [0, { units: 6, draws: 2 }, Array.from({ length: 180 }, (_, i) => Number(i === 25) + Number(i === 60))],
  ]);
  const plot = anglesPlot("layer", [ANGLES], new Map([["run", null_]]), { ...DEFAULTS, threshold: 30 });
  assert.ok(plot.notes.some(({ text }) => text === "3 of 5 units within 30° (null 2.5)"));
  assert.ok(plot.notes.some(({ text }) => text === "1 dead unit without a direction"));
});

test("clusters are stacked: together they are the histogram", () => {
  const plot = anglesPlot("layer", [ANGLES], new Map(), { ...DEFAULTS, degrees: 10 });
  const bars = plot.marks.filter((each): each is Bars => each.type === "bars");
  assert.deepEqual(
    bars.map(({ label }) => label),
    ["cluster 1: 3", "cluster 2: 3"],
  );
  const top = bars[1]!.heights.map((height, i) => height + bars[1]!.base![i]!);
  assert.deepEqual([...top].slice(0, 6), [0, 1, 1, 1, 1, 1]);
});

test("counts per degree in wider bins, scaled", () => {
  const edges = degreeEdges(180, 7);
  assert.deepEqual([edges.length, edges[edges.length - 1]], [27, 182]);
  const found = rebinned(
    Array.from({ length: 180 }, () => 1),
    edges,
    90,
  );
  close(
    found.reduce((a, b) => a + b),
    90,
    1e-9,
  );
  close(expectedWithin([1, 1, 1, 1], 2.5, 8), 5, 1e-12);
});

test("pairs: the density integrates to 1 and stands beside sin^(d−2)", () => {
  const counts = Array.from({ length: 180 }, (_, i) => Number(i >= 80 && i < 100));
  const source: Source = {
    run: "run",
    colour: 0,
    events: events("pair_angles", [[0, { units: 5, fan_in: 9 }, counts]]),
  };
  const plot = pairsPlot("layer", [source], { ...DEFAULTS, degrees: 3 });
  const bars = mark(plot, "bars");
  close(
    bars.heights.reduce((a, b) => a + 3 * b, 0),
    1,
    1e-9,
  );
  assert.equal(mark(plot, "line").label, "uniform directions, sin⁷ θ");
});

test("masks: kept units over steps, and which", () => {
  const made = events("mask", [
    [0, { units: 3, kept: 3 }, [1, 1, 1]],
    [5, { units: 3, kept: 1 }, [0, 1, 0]],
  ]);
  const source: Source = { run: "run", colour: 0, events: made };
  assert.deepEqual([...Array.from(mark(keptPlot("layer", [source], DEFAULTS), "line").y)], [3, 1]);
  assert.deepEqual([...mark(unitsPlot("layer", source, DEFAULTS), "cells").values], [1, 0, 1, 1, 1, 0]);
});

test("survival: whole numbers lie in the middle of bins, the null has the same area", () => {
  const made = events("survival", [[0, { null_mean: 4, null_sd: 1, p_value: 0.5, lift: 1, kept: 12 }, [3, 4, 5]]]);
  const plot = survivalPlot("layer", [{ run: "run", colour: 0, events: made }], DEFAULTS);
  const { edges, heights } = mark(plot, "bars");
  assert.deepEqual(
    [...heights],
    Array.from({ length: heights.length }, (_, i) => Number([3, 4, 5].includes(edges[i]! + 0.5))),
  );
  const { x, y } = mark(plot, "line");
  close(Array.from(y).reduce((a, b) => a + b, 0) * (x[1]! - x[0]!), 3, 0.01);
});

test("the overview: a row for each layer, NaN marked as broken, colours that one outlier does not take", () => {
  const column = (values: number[]) => ({
    steps: values.map((_, i) => i),
    values: Float64Array.from(values),
    believable: null,
    complete: true,
  });
  const plot = overviewPlot(
    "alpha",
    ["a"],
    [
      { layer: "x", column: column([1, NaN, 3]), minus: null },
      { layer: "y", column: undefined, minus: null },
    ],
    null,
    null,
  );
  const cells = mark(plot, "cells");
  assert.deepEqual([...cells.values].map(String), ["1", "NaN", "3", "NaN", "NaN", "NaN"]);
  assert.deepEqual([...cells.broken!], [0, 1, 0, 0, 0, 0]);
  const outlier = overviewPlot(
    "alpha",
    ["a"],
    [{ layer: "x", column: column([...Array(100).keys(), 1e6]), minus: null }],
    null,
    null,
  );
  assert.ok(mark(outlier, "cells").range[1] < 200);
});

test("of many runs little is said: names with their steps, and one line for all of which the same is true", () => {
  const run = (name: string, step: number, kept: number): Source => ({
    run: `study/${name}`,
    colour: 0,
    events: events("mask", [[step, { units: 4, kept }, [1, 1, 1, 0]]]),
  });
  const notes = (...sources: Source[]) => keptPlot("layer", sources, DEFAULTS).notes.map(({ text }) => text);
  const few = [run("a", 5, 3), run("b", 5, 3), run("c", 5, 2)];
  assert.deepEqual(notes(...few), ["a, b: 3 of 4 units", "c: 2 of 4 units"]);
  assert.deepEqual(notes(...few.slice(0, 2)), ["every run: 3 of 4 units"]);
  const many = [...few, run("d", 6, 4), run("e", 6, 1), run("f", 7, 0)];
  assert.deepEqual(notes(...many), [
    "a @ 5, b @ 5: 3 of 4 units",
    "c @ 5: 2 of 4 units",
    "d @ 6: 4 of 4 units",
    "e @ 6: 1 of 4 units",
    "and 1 line more: choose fewer runs",
  ]);
  const labels = keptPlot("layer", many, DEFAULTS).marks.map(({ label }) => label);
  assert.deepEqual(labels.filter((label) => label).join(), "a,b,c,d,e,f");
});
