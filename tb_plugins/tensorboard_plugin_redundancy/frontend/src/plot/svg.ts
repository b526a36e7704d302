// The primitives of surface.ts as an SVG document: what is saved for papers. Numbers to a hundredth of a pixel.

import { FONT, SIZE, type Path, type Stroke, type Surface, type TextStyle } from "./surface.ts";

const ANCHORS = { left: "start", center: "middle", right: "end" } as const;
const SHIFTS = { top: "0.8em", middle: "0.35em", bottom: "-0.2em" } as const;

export class SvgSurface implements Surface {
  readonly #parts: string[] = [];
  readonly #measure: (text: string, size: number) => number;
  #clips = 0;

  constructor(measure: (text: string, size: number) => number) {
    this.#measure = measure;
  }

  rect(x: number, y: number, width: number, height: number, colour: string, alpha = 1): void {
    const opacity = alpha < 1 ? ` fill-opacity="${round(alpha)}"` : "";
    const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
    this.#parts.push(`<rect ${place} fill="${escaped(colour)}"${opacity}/>`);
  }

  path(points: Path, stroke: Stroke | null, fill?: { colour: string; alpha?: number }): void {
    const lines = stroke ? strokeOf(stroke) : "";
    const area = fill ? `fill="${escaped(fill.colour)}" fill-opacity="${round(fill.alpha ?? 1)}"` : 'fill="none"';
    this.#parts.push(`<path d="${pathData(points)}" ${area}${lines}/>`);
  }

  dot(x: number, y: number, radius: number, colour: string): void {
    this.#parts.push(`<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="${escaped(colour)}"/>`);
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const turn = style.turned ? ` transform="rotate(-90 ${round(x)} ${round(y)})"` : "";
    const place = `x="${round(x)}" y="${round(y)}" dy="${SHIFTS[style.baseline ?? "middle"]}"`;
    const look = `font-size="${style.size ?? SIZE}" fill="${escaped(style.colour)}" text-anchor="${ANCHORS[style.align ?? "left"]}"`;
    this.#parts.push(`<text ${place} ${look}${turn}>${escaped(text)}</text>`);
  }

  /** Runs of one colour in a row become one rectangle. */
  grid(
    x: number,
    y: number,
    width: number,
    height: number,
    columns: number,
    rows: number,
    rgba: Uint8ClampedArray,
  ): void {
    const [w, h] = [width / columns, height / rows];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns;) {
        const colour = colourAt(rgba, row * columns + column);
        let end = column + 1;
        while (end < columns && colourAt(rgba, row * columns + end) === colour) end++;
        if (colour) this.rect(x + column * w, y + row * h, (end - column) * w + 0.05, h + 0.05, colour);
        column = end;
      }
    }
  }

  clipped(x: number, y: number, width: number, height: number, body: () => void): void {
    const id = `clip${this.#clips++}`;
    const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
    this.#parts.push(`<clipPath id="${id}"><rect ${place}/></clipPath><g clip-path="url(#${id})">`);
    body();
    this.#parts.push("</g>");
  }

  measure(text: string, size: number): number {
    return this.#measure(text, size);
  }

  document(width: number, height: number): string {
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const font = `font-family="${escaped(FONT)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>\n${this.#parts.join("\n")}\n</svg>\n`;
  }
}

function strokeOf(stroke: Stroke): string {
  const dash = stroke.dash ? ` stroke-dasharray="${stroke.dash.join(" ")}"` : "";
  const alpha = stroke.alpha !== undefined ? ` stroke-opacity="${round(stroke.alpha)}"` : "";
  return ` stroke="${escaped(stroke.colour)}" stroke-width="${stroke.width ?? 1.5}" stroke-linejoin="round"${dash}${alpha}`;
}

/** A NaN interrupts the line, as on canvas. */
export function pathData(points: Path): string {
  let broken = true;
  return points
    .map(([x, y]) => {
      if (Number.isNaN(x) || Number.isNaN(y)) {
        broken = true;
        return "";
      }
      const command = broken ? "M" : "L";
      broken = false;
      return `${command}${round(x)} ${round(y)}`;
    })
    .join("");
}

function round(value: number): string {
  return String(Math.round(100 * value) / 100);
}

function colourAt(rgba: Uint8ClampedArray, cell: number): string {
  const [r, g, b, a] = rgba.subarray(4 * cell, 4 * cell + 4);
  return a ? `rgb(${r},${g},${b})` : "";
}

const ENTITIES = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
]);

/** Text for XML: entities for what is markup, and without the control characters that XML does not know. */
export function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
    .replace(/[&<>"]/g, (mark) => ENTITIES.get(mark)!);
}
