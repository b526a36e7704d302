import assert from "node:assert/strict";
import test from "node:test";
import { csv } from "../src/plot/csv.ts";
import { read } from "../src/plot/hover.ts";
import { cut, layout, wrapped } from "../src/plot/layout.ts";
import { paint } from "../src/plot/paint.ts";
import type { Plot } from "../src/plot/plot.ts";
import { logTicks, scaleOf } from "../src/plot/scales.ts";
import { escaped, pathData, SvgSurface } from "../src/plot/svg.ts";
import { theme } from "../src/plot/theme.ts";
import { clipped, colours, runNames, selected } from "../src/runs.ts";
import { decode, DEFAULTS, encode, pattern, shownStep } from "../src/state.ts";

const measure = (text: string, size: number) => 0.55 * size * text.length;
const HOSTILE = '<script>alert("1")</script>&';

const PLOT: Plot = {
  title: HOSTILE,
  kind: "spectrum",
  runs: ["run"],
  step: 3,
  x: { scale: "linear", label: "x", domain: [0, 2] },
  y: { scale: "linear", label: "y", domain: [0, 4] },
  marks: [
    { type: "bars", label: HOSTILE, ink: "measured", edges: Float64Array.of(0, 1, 2), heights: Float64Array.of(4, 1) },
    { type: "line", label: "=law", ink: "noise", x: [0, 2], y: [1, 3] },
    { type: "rule", label: "edge", ink: "alert", x: 1.5 },
  ],
  notes: [{ level: "warning", text: "not trustworthy" }],
};

test("an SVG holds every mark and no markup of names", () => {
  for (const dark of [false, true]) {
    const surface = new SvgSurface(measure);
    paint(PLOT, surface, theme(dark), 300, 200, "heading");
    const text = surface.document(300, 200);
    assert.ok(!text.includes("<script"));
    assert.ok(text.includes("&lt;script&gt;") && text.includes("not trustworthy") && text.includes("heading"));
    assert.equal(text.match(/<svg/g)!.length, 1);
    assert.ok(text.includes(theme(dark).background));
  }
});

test("text for XML", () => {
  assert.equal(escaped('a<b>&"c\u0000'), "a&lt;b&gt;&amp;&quot;c");
});

test("a NaN interrupts a path", () => {
  assert.equal(
    pathData([
      [0, 1],
      [NaN, 2],
      [2, 3.456],
    ]),
    "M0 1M2 3.46",
  );
});

test("CSV: a row for each bar and point, quoted, and no formulas", () => {
  const lines = csv(PLOT).split("\r\n");
  assert.deepEqual(lines.slice(0, 3), [
    "series,x,x_end,y,value",
    '"<script>alert(""1"")</script>&",0,1,4,',
    '"<script>alert(""1"")</script>&",1,2,1,',
  ]);
  assert.deepEqual(lines.slice(3), ["'=law,0,,1,", "'=law,2,,3,", "edge,1.5,,,", ""]);
});

test("hovering reads the bin under the pointer", () => {
  const at = layout(PLOT, 300, 200, measure);
  const { frame } = at;
  const reading = read(PLOT, at, frame.x + 0.75 * frame.width, frame.y + 10)!;
  assert.equal(reading.head, "x: 1.5");
  assert.match(reading.lines[0]!, /: 1 in \[1, 2\]$/);
  assert.equal(read(PLOT, at, 0, 0), null);
});

test("hovering reads cells by name of the places", () => {
  const cells = {
    type: "cells",
    label: "alpha",
    columns: 2,
    rows: 1,
    values: Float64Array.of(5, NaN),
    range: [0, 5],
    palette: "sequential",
  } as const;
  const plot: Plot = {
    ...PLOT,
    x: { scale: "band", label: "step", names: ["0", "10"] },
    y: { scale: "band", label: "layer", names: ["conv"] },
    marks: [cells],
  };
  const at = layout(plot, 300, 200, measure);
  const read_ = (share: number) => read(plot, at, at.frame.x + share * at.frame.width, at.frame.y + 20)!;
  assert.deepEqual(
    [read_(0.1).head, read_(0.1).lines, read_(0.9).lines],
    ["step: 0 · layer: conv", ["alpha: 5"], ["alpha: NaN"]],
  );
});

test("scales go to pixels and back", () => {
  for (const scale of ["linear", "log"] as const) {
    const found = scaleOf({ scale, label: "", domain: [0.01, 100] }, [50, 450], 60);
    for (const value of [0.01, 1, 42]) assert.ok(Math.abs(found.invert(found.at(value)) / value - 1) < 1e-9);
    assert.ok(found.ticks.length >= 2 && found.ticks.length <= 8);
  }
});

test("ticks of short and long logarithmic axes", () => {
  assert.deepEqual(logTicks([0.9, 1100], 8), [1, 10, 100, 1000]);
  assert.deepEqual(logTicks([0.9, 6], 8), [1, 2, 5]);
  assert.deepEqual(logTicks([8, 600], 8), [10, 20, 50, 100, 200, 500]);
  assert.ok(logTicks([1.1, 1.4], 5).length >= 2);
  assert.ok(logTicks([1e-9, 1e9], 5).length <= 5);
});

test("long words are cut in the middle, lines wrapped", () => {
  assert.equal(cut("abc", 100, measure), "abc");
  const short = cut("x".repeat(300) + "end", 100, measure);
  assert.ok(short.endsWith("end") && short.includes("…") && measure(short, 11) <= 100);
  assert.ok(wrapped("one two three four", 60, measure).every((line) => measure(line, 11) <= 60));
});

test("a legend that has no room is dropped before the frame is", () => {
  const marks = Array.from({ length: 60 }, () => PLOT.marks[1]!);
  const at = layout({ ...PLOT, marks }, 200, 160, measure);
  assert.ok(at.frame.height >= 55 && at.legend.length < 60);
});

test("state goes through a link, and only what differs is in it", () => {
  assert.equal(encode(DEFAULTS), "");
  const state = { ...DEFAULTS, view: "angles", layer: "a/b&c=d#é", step: 12, logX: false, threshold: 45 } as const;
  assert.deepEqual(decode(encode(state)), state);
});

test("the step that is shown lies in the range", () => {
  const shown = (step: number | null, from: number | null, to: number | null) =>
    shownStep({ ...DEFAULTS, step, from, to });
  assert.deepEqual(
    [shown(null, null, null), shown(null, 2, 5), shown(1, 2, 5), shown(9, 2, 5), shown(3, 2, 5)],
    [null, 5, 2, 5, 3],
  );
});

test("a wrong link leaves the defaults", () => {
  assert.deepEqual(decode("view=nothing&threshold=999&step=x&from=&bins=-3&unknown=1"), DEFAULTS);
});

test("a filter that is no regular expression filters nothing", () => {
  assert.equal(pattern("("), null);
  assert.ok(pattern("CONV")!.test("conv1"));
});

test("runs: selected as in Scalars, the first eight of many that nobody touched", () => {
  const runs = ["a", "b", "c"];
  assert.deepEqual(selected(runs, new Map([["b", false]])), ["a", "c"]);
  const many = Array.from({ length: 500 }, (_, i) => `run${i}`);
  assert.equal(selected(many, new Map()).length, 8);
  assert.deepEqual(selected(many, new Map([["run77", true]])), ["run77"]);
  assert.equal(colours(["x", "a"], ["a", "b"]).get("b"), 2);
});

test("runs are called by what tells them apart", () => {
  const names = (...runs: string[]) => [...runNames(runs).values()];
  assert.deepEqual(names("lth/1f/events/seed0-dense", "lth/1f/events/seed0-rewind"), ["seed0-dense", "seed0-rewind"]);
  assert.deepEqual(names("lth/1f/a", "lth/2e/a"), ["1f/a", "2e/a"]);
  assert.deepEqual(names("lth/a", "lth"), ["lth/a", "lth"]);
  assert.deepEqual(names("a/b", "a/b/c"), ["b", "b/c"]);
  assert.deepEqual(names("deep/alone"), ["deep/alone"]);
  assert.deepEqual([names(), names("")], [[], ["."]]);
  assert.deepEqual([clipped("seed0-dense", 4, 6), clipped("seed0-rewind", 4, 6)], ["seed0-dense", "seed…rewind"]);
});
