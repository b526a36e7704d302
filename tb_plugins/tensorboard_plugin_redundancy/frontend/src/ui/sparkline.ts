// A line a few pixels high: the values of a column over its steps, and a dot at the present one.

import { svg } from "./dom.ts";

export const WIDTH = 64;
export const HEIGHT = 20;
const MARGIN = 3;

export interface Spark {
  readonly values: Float64Array;
  readonly colour: string;
  readonly at: number; // index of the dot, −1: none
}

export function sparkline(lines: readonly Spark[]): SVGElement {
  const finite = lines.flatMap(({ values }) => [...values].filter(Number.isFinite));
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const drawn = finite.length ? lines.flatMap((line) => parts(line, low, high)) : [];
  const size = { width: String(WIDTH), height: String(HEIGHT), viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
  return svg("svg", { ...size, "aria-hidden": "true" }, ...drawn);
}

function parts({ values, colour, at }: Spark, low: number, high: number): SVGElement[] {
  const x = (i: number) => MARGIN + ((WIDTH - 2 * MARGIN) * i) / Math.max(1, values.length - 1);
  const y = (value: number) => HEIGHT - MARGIN - ((HEIGHT - 2 * MARGIN) * (value - low)) / (high - low || 1);
  let pen = "M";
  let path = "";
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      pen = "M";
      return;
    }
    path += `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  });
  const found = [svg("path", { d: path, fill: "none", stroke: colour, "stroke-width": "1.3" })];
  const present = values[at];
  if (present !== undefined && Number.isFinite(present)) {
    found.push(svg("circle", { cx: x(at).toFixed(1), cy: y(present).toFixed(1), r: "2.2", fill: colour }));
  }
  return found;
}
