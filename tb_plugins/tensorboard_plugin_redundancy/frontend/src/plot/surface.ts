// The few primitives that every picture is drawn with, on canvas; svg.ts has the same ones for files.

export interface Stroke {
  readonly colour: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly alpha?: number;
}

export interface TextStyle {
  readonly colour: string;
  readonly size?: number;
  readonly align?: "left" | "center" | "right";
  readonly baseline?: "top" | "middle" | "bottom";
  readonly turned?: boolean; // a quarter to the left
}

export type Path = readonly (readonly [x: number, y: number])[];

export interface Surface {
  rect(x: number, y: number, width: number, height: number, colour: string, alpha?: number): void;
  path(points: Path, stroke: Stroke | null, fill?: { colour: string; alpha?: number }): void;
  dot(x: number, y: number, radius: number, colour: string): void;
  text(x: number, y: number, text: string, style: TextStyle): void;
  /** A grid of colours, [r, g, b, a] each, the first row on top. */
  grid(
    x: number,
    y: number,
    width: number,
    height: number,
    columns: number,
    rows: number,
    rgba: Uint8ClampedArray,
  ): void;
  clipped(x: number, y: number, width: number, height: number, body: () => void): void;
  measure(text: string, size: number): number;
}

export const FONT = "Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif";
export const SIZE = 11;

export class CanvasSurface implements Surface {
  readonly #context: CanvasRenderingContext2D;

  constructor(context: CanvasRenderingContext2D) {
    this.#context = context;
  }

  rect(x: number, y: number, width: number, height: number, colour: string, alpha = 1): void {
    this.#context.globalAlpha = alpha;
    this.#context.fillStyle = colour;
    this.#context.fillRect(x, y, width, height);
    this.#context.globalAlpha = 1;
  }

  path(points: Path, stroke: Stroke | null, fill?: { colour: string; alpha?: number }): void {
    const context = this.#context;
    context.beginPath();
    let broken = true;
    for (const [x, y] of points) {
      if (Number.isNaN(y) || Number.isNaN(x)) broken = true;
      else if (broken) {
        context.moveTo(x, y);
        broken = false;
      } else context.lineTo(x, y);
    }
    if (fill) {
      context.globalAlpha = fill.alpha ?? 1;
      context.fillStyle = fill.colour;
      context.fill();
    }
    if (stroke) {
      context.globalAlpha = stroke.alpha ?? 1;
      context.strokeStyle = stroke.colour;
      context.lineWidth = stroke.width ?? 1.5;
      context.setLineDash(stroke.dash ? [...stroke.dash] : []);
      context.lineJoin = "round";
      context.stroke();
      context.setLineDash([]);
    }
    context.globalAlpha = 1;
  }

  dot(x: number, y: number, radius: number, colour: string): void {
    this.#context.beginPath();
    this.#context.arc(x, y, radius, 0, 2 * Math.PI);
    this.#context.fillStyle = colour;
    this.#context.fill();
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const context = this.#context;
    context.save();
    context.font = `${style.size ?? SIZE}px ${FONT}`;
    context.fillStyle = style.colour;
    context.textAlign = style.align ?? "left";
    context.textBaseline = style.baseline ?? "middle";
    context.translate(x, y);
    if (style.turned) context.rotate(-Math.PI / 2);
    context.fillText(text, 0, 0);
    context.restore();
  }

  grid(
    x: number,
    y: number,
    width: number,
    height: number,
    columns: number,
    rows: number,
    rgba: Uint8ClampedArray,
  ): void {
    if (!columns || !rows) return;
    const image = document.createElement("canvas");
    image.width = columns;
    image.height = rows;
    image.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(rgba), columns, rows), 0, 0);
    this.#context.imageSmoothingEnabled = false;
    this.#context.drawImage(image, x, y, width, height);
  }

  clipped(x: number, y: number, width: number, height: number, body: () => void): void {
    this.#context.save();
    this.#context.beginPath();
    this.#context.rect(x, y, width, height);
    this.#context.clip();
    body();
    this.#context.restore();
  }

  measure(text: string, size: number): number {
    this.#context.font = `${size}px ${FONT}`;
    return this.#context.measureText(text).width;
  }
}
