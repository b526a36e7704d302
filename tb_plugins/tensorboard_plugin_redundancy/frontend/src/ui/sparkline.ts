// A line a few pixels high: the values of a column over its steps, and a dot at the present one, which moves alone.

import { svg } from "./dom.ts";

export const WIDTH = 64;
export const HEIGHT = 20;
const MARGIN = 3;

export interface Spark {
  readonly values: Float64Array;
  readonly colour: string;
}

export class Sparkline {
  readonly element: SVGElement;
  readonly #lines: readonly Spark[];
  readonly #dots: readonly SVGElement[];
  readonly #low: number;
  readonly #high: number;

  constructor(lines: readonly Spark[]) {
    const finite = lines.flatMap(({ values }) => [...values].filter(Number.isFinite));
    [this.#low, this.#high] = [Math.min(...finite), Math.max(...finite)];
    this.#lines = lines;
    this.#dots = lines.map(({ colour }) => svg("circle", { r: "2.2", fill: colour, visibility: "hidden" }));
    const size = { width: String(WIDTH), height: String(HEIGHT), viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
    const parts = lines.flatMap((line, i) => [this.#path(line), this.#dots[i]!]);
    this.element = svg("svg", { ...size, "aria-hidden": "true" }, ...parts);
  }

  /** The dot of each line to an index of its values, −1: nowhere. */
  move(places: readonly number[]): void {
    this.#lines.forEach(({ values }, i) => {
      const value = values[places[i]!] ?? Number.NaN;
      const dot = this.#dots[i]!;
      dot.setAttribute("visibility", Number.isFinite(value) ? "visible" : "hidden");
      if (!Number.isFinite(value)) return;
      dot.setAttribute("cx", x(places[i]!, values).toFixed(1));
      dot.setAttribute("cy", this.#y(value).toFixed(1));
    });
  }

  #y(value: number): number {
    return HEIGHT - MARGIN - ((HEIGHT - 2 * MARGIN) * (value - this.#low)) / (this.#high - this.#low || 1);
  }

  #path({ values, colour }: Spark): SVGElement {
    let pen = "M";
    let path = "";
    values.forEach((value, i) => {
      if (!Number.isFinite(value)) {
        pen = "M";
        return;
      }
      path += `${pen}${x(i, values).toFixed(1)} ${this.#y(value).toFixed(1)}`;
      pen = "L";
    });
    return svg("path", { d: path, fill: "none", stroke: colour, "stroke-width": "1.3" });
  }
}

function x(i: number, values: Float64Array): number {
  return MARGIN + ((WIDTH - 2 * MARGIN) * i) / Math.max(1, values.length - 1);
}
