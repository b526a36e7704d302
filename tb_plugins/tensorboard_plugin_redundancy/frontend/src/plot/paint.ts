// A plot on a surface: frame, marks, legend, notes.

import { short } from "../maths/format.ts";
import { BAR, barRoom, cut, layout, SWATCH, type Box, type Layout } from "./layout.ts";
import type { Bars, Cells, Line, Mark, Outline, Plot, Points, Ridges, Rug } from "./plot.ts";
import { SIZE, type Path, type Stroke, type Surface } from "./surface.ts";
import type { Theme } from "./theme.ts";

const DASH = [5, 3];

interface Brush {
  readonly surface: Surface;
  readonly theme: Theme;
  readonly at: Layout;
}

const HEADING = 24;

/** With a heading the title and the runs stand above, as files need it. */
export function paint(plot: Plot, surface: Surface, theme: Theme, width: number, height: number, heading = ""): Layout {
  const at = layout(plot, width, height, (text, size) => surface.measure(text, size), heading ? HEADING : 0);
  const brush = { surface, theme, at };
  surface.rect(0, 0, width, height, theme.background);
  if (heading) surface.text(12, HEADING / 2 + 2, heading, { colour: theme.ink, size: 13 });
  if (plot.marks.length) {
    const { x, y, width: w, height: h } = at.frame;
    paintGrid(plot, brush);
    surface.clipped(x, y - 3, w + 1, h + 4, () => plot.marks.forEach((mark) => paintMark(mark, plot, brush)));
    paintAxes(plot, brush, height);
    paintLegend(brush);
  }
  for (const { x, y, text, note, first } of at.notes) {
    if (first && note.level === "warning") surface.text(12, y, "⚠", { colour: theme.colour("alert") });
    surface.text(x, y, text, { colour: theme.muted });
  }
  return at;
}

function segment(surface: Surface, x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void {
  surface.path(
    [
      [x0, y0],
      [x1, y1],
    ],
    stroke,
  );
}

function paintGrid(plot: Plot, { surface, theme, at }: Brush): void {
  const { x, y, width, height } = at.frame;
  const stroke = { colour: theme.grid, width: 1 };
  if (plot.x.scale !== "band") {
    for (const tick of at.x.ticks) segment(surface, tick.at, y, tick.at, y + height, stroke);
  }
  if (plot.y.scale !== "band") {
    for (const tick of at.y.ticks) segment(surface, x, tick.at, x + width, tick.at, stroke);
  }
}

function paintAxes(plot: Plot, { surface, theme, at }: Brush, height: number): void {
  const { frame } = at;
  const bottom = frame.y + frame.height;
  const colour = theme.muted;
  segment(surface, frame.x, bottom, frame.x + frame.width, bottom, { colour, width: 1 });
  let end = -Infinity;
  for (const tick of at.x.ticks) {
    const half = surface.measure(tick.label, SIZE) / 2;
    const middle = Math.min(tick.at, frame.x + frame.width + 10 - half);
    if (middle - half < end + 6) continue;
    end = middle + half;
    surface.text(middle, bottom + 10, tick.label, { colour, align: "center" });
  }
  const room = frame.x - 8 - (plot.y.label ? 16 : 0);
  for (const tick of at.y.ticks) {
    const label =
      plot.y.scale === "band" ? cut(tick.label, room, (text, size) => surface.measure(text, size)) : tick.label;
    surface.text(frame.x - 5, tick.at, label, { colour, align: "right" });
  }
  surface.text(frame.x + frame.width / 2, height - 8, plot.x.label, { colour: theme.ink, align: "center" });
  surface.text(10, frame.y + frame.height / 2, plot.y.label, { colour: theme.ink, align: "center", turned: true });
}

function paintLegend({ surface, theme, at }: Brush): void {
  for (const { x, y, mark, swatch } of at.legend) {
    paintSwatch(mark, x, y, { surface, theme, at });
    surface.text(x + swatch + 5, y, mark.label, { colour: theme.ink });
  }
}

function paintSwatch(mark: Mark, x: number, y: number, { surface, theme }: Brush): void {
  if (mark.type === "cells" && mark.palette !== "mask") return paintColourBar(mark, x, y, surface, theme);
  const colour = theme.colour(mark.type === "cells" ? "measured" : mark.ink);
  if (mark.type === "bars" || mark.type === "ridges" || mark.type === "cells")
    surface.rect(x + 2, y - 5, SWATCH - 4, 10, colour, 0.75);
  else if (mark.type === "points") surface.dot(x + SWATCH / 2, y, 3, colour);
  else if (mark.type === "rug") segment(surface, x + SWATCH / 2, y - 5, x + SWATCH / 2, y + 5, { colour, width: 2 });
  else {
    const dash = mark.dashed ? { dash: DASH } : {};
    segment(surface, x, y, x + SWATCH, y, { colour, width: 2, ...dash });
  }
}

function paintColourBar(mark: Cells, x: number, y: number, surface: Surface, theme: Theme): void {
  const steps = 40;
  const width = BAR / steps;
  const from = x + barRoom(mark, (text, size) => surface.measure(text, size)).low;
  const [low, high] = mark.range;
  for (let i = 0; i < steps; i++) {
    surface.rect(
      from + width * i,
      y - 5,
      width + 0.1,
      10,
      rgb(colourOf(mark, low + ((high - low) * (i + 0.5)) / steps, theme)),
    );
  }
  surface.text(from - 4, y, short(low), { colour: theme.muted, align: "right" });
  surface.text(from + BAR + 4, y, short(high), { colour: theme.muted });
}

function hex(colour: string): [number, number, number] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];
}

function rgb([r, g, b]: readonly [number, number, number]): string {
  return `rgb(${r},${g},${b})`;
}

function paintMark(mark: Mark, plot: Plot, brush: Brush): void {
  switch (mark.type) {
    case "bars":
      return paintBars(mark, brush);
    case "outline":
      return paintOutline(mark, brush);
    case "line":
      return paintLine(mark, brush);
    case "points":
      return paintPoints(mark, brush);
    case "rule":
      return paintRule(mark.x, brush.theme.colour(mark.ink), mark.dashed ?? false, brush);
    case "rug":
      return paintRug(mark, brush);
    case "cells":
      return paintCells(mark, plot, brush);
    case "ridges":
      return paintRidges(mark, brush);
  }
}

/** Pixels of a height: a logarithmic axis has no 0, so what lies below its end is drawn there. */
function level(value: number, { at }: Brush): number {
  const pixel = at.y.at(value);
  const bottom = at.frame.y + at.frame.height;
  return Number.isFinite(pixel) ? Math.min(pixel, bottom + 20) : bottom;
}

function paintBars(mark: Bars, brush: Brush): void {
  const colour = brush.theme.colour(mark.ink);
  for (let i = 0; i < mark.heights.length; i++) {
    const base = mark.base?.[i] ?? 0;
    if (mark.heights[i] === 0) continue;
    const [x0, x1] = [brush.at.x.at(mark.edges[i]!), brush.at.x.at(mark.edges[i + 1]!)];
    const [from, to] = [level(base, brush), level(base + mark.heights[i]!, brush)];
    const gap = x1 - x0 > 4 ? 0.5 : 0;
    brush.surface.rect(x0 + gap, Math.min(from, to), x1 - x0 - 2 * gap, Math.abs(from - to), colour, 0.72);
  }
}

function stairs(
  edges: Float64Array,
  heights: Float64Array,
  y: (height: number) => number,
  x: (edge: number) => number,
): Path {
  const points: [number, number][] = [[x(edges[0]!), y(0)]];
  heights.forEach((height, i) => points.push([x(edges[i]!), y(height)], [x(edges[i + 1]!), y(height)]));
  points.push([x(edges[heights.length]!), y(0)]);
  return points;
}

function paintOutline(mark: Outline, brush: Brush): void {
  const colour = brush.theme.colour(mark.ink);
  const points = stairs(mark.edges, mark.heights, (height) => level(height, brush), brush.at.x.at);
  brush.surface.path(points, { colour, width: 1.6, ...(mark.dashed ? { dash: DASH } : {}) });
}

function paintLine(mark: Line, brush: Brush): void {
  const colour = brush.theme.colour(mark.ink);
  const points = Array.from(mark.x, (x, i): [number, number] => {
    const y = mark.y[i]!;
    return [brush.at.x.at(x), Number.isNaN(y) ? y : level(y, brush)];
  });
  brush.surface.path(points, { colour, width: mark.thin ? 1 : 1.8, ...(mark.dashed ? { dash: DASH } : {}) });
}

function paintPoints(mark: Points, brush: Brush): void {
  const colour = brush.theme.colour(mark.ink);
  for (let i = 0; i < mark.x.length; i++) {
    const [x, y] = [brush.at.x.at(mark.x[i]!), brush.at.y.at(mark.y[i]!)];
    if (Number.isFinite(x) && Number.isFinite(y)) brush.surface.dot(x, y, 2.2, colour);
  }
}

function paintRule(x: number, colour: string, dashed: boolean, { surface, at }: Brush): void {
  const pixel = at.x.at(x);
  const stroke = { colour, width: 1.4, ...(dashed ? { dash: [2, 3] } : {}) };
  segment(surface, pixel, at.frame.y, pixel, at.frame.y + at.frame.height, stroke);
}

function paintRug(mark: Rug, { surface, theme, at }: Brush): void {
  const bottom = at.frame.y + at.frame.height;
  for (let i = 0; i < mark.x.length; i++) {
    const x = at.x.at(mark.x[i]!);
    segment(surface, x, bottom, x, bottom - 9, { colour: theme.colour(mark.ink), width: 1.5 });
  }
}

function colourOf(mark: Cells, value: number, theme: Theme): readonly [number, number, number] {
  const [low, high] = mark.range;
  if (mark.palette === "mask") return hex(value ? theme.colour("measured") : theme.grid);
  if (mark.palette === "diverging") return theme.diverging(value / (Math.max(-low, high) || 1));
  return theme.sequential((value - low) / (high - low || 1));
}

function paintCells(mark: Cells, plot: Plot, { surface, theme, at }: Brush): void {
  const rgba = new Uint8ClampedArray(4 * mark.columns * mark.rows);
  const upwards = plot.y.scale !== "band";
  for (let row = 0; row < mark.rows; row++) {
    const from = (upwards ? mark.rows - 1 - row : row) * mark.columns;
    for (let column = 0; column < mark.columns; column++) {
      const value = mark.values[from + column]!;
      if (mark.broken?.[from + column])
        rgba.set([...hex(theme.colour("alert")), 90], 4 * (row * mark.columns + column));
      else if (!Number.isNaN(value))
        rgba.set([...colourOf(mark, value, theme), 255], 4 * (row * mark.columns + column));
    }
  }
  const { x, y, width, height } = at.frame as Box;
  surface.grid(x, y, width, height, mark.columns, mark.rows, rgba);
}

function paintRidges(mark: Ridges, { surface, theme, at }: Brush): void {
  const colour = theme.colour(mark.ink);
  const unit = (mark.overlap * at.y.width) / (mark.most || 1);
  mark.rows.forEach((heights, row) => {
    const foot = at.y.at(row);
    const points = ridge(mark.edges, heights, (height) => foot - height * unit, at.x.at);
    const fill = mark.signed ? undefined : { colour: theme.background, alpha: 0.85 };
    const alpha = 0.35 + (0.65 * (row + 1)) / mark.rows.length;
    surface.path(points, { colour, width: 1.2, alpha }, fill);
  });
}

/** The curve through the middles of the bins, down to the foot at both ends. */
function ridge(
  edges: Float64Array,
  heights: Float64Array,
  y: (height: number) => number,
  x: (edge: number) => number,
): Path {
  const points: [number, number][] = [[x(edges[0]!), y(0)]];
  heights.forEach((height, i) => points.push([(x(edges[i]!) + x(edges[i + 1]!)) / 2, y(height)]));
  points.push([x(edges[heights.length]!), y(0)]);
  return points;
}
