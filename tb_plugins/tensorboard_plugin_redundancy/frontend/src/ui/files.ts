// A card as a file: PNG at twice the size, SVG for papers, CSV of what is drawn.

import { csv } from "../plot/csv.ts";
import { paint } from "../plot/paint.ts";
import type { Plot } from "../plot/plot.ts";
import { CanvasSurface } from "../plot/surface.ts";
import { SvgSurface } from "../plot/svg.ts";
import type { Theme } from "../plot/theme.ts";
import { el } from "./dom.ts";

const SCALE = 2;

export function save(name: string, data: Blob | string, type = "text/plain"): void {
  const url = URL.createObjectURL(typeof data === "string" ? new Blob([data], { type }) : data);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function fileName(plot: Plot, extension: string): string {
  const step = plot.step === null ? "" : `_step_${plot.step}`;
  const stem = `${plot.title}_${plot.kind}${step}`.replace(/[^\p{L}\p{N}.-]+/gu, "_").replace(/^[._]+|_+$/g, "");
  return `${stem.slice(0, 120) || "redundancy"}.${extension}`;
}

function heading(plot: Plot): string {
  const runs = plot.runs.length > 3 ? `${plot.runs.length} runs` : plot.runs.join(", ");
  return `${plot.title} · ${plot.kind}${plot.step === null ? "" : ` · step ${plot.step}`}${runs ? ` · ${runs}` : ""}`.slice(
    0,
    160,
  );
}

export function savePng(plot: Plot, theme: Theme, width: number, height: number): void {
  const canvas = el("canvas", { width: String(SCALE * width), height: String(SCALE * (height + 24)) });
  const context = canvas.getContext("2d")!;
  context.scale(SCALE, SCALE);
  paint(plot, new CanvasSurface(context), theme, width, height + 24, heading(plot));
  canvas.toBlob((blob) => blob && save(fileName(plot, "png"), blob));
}

export function svgOf(plot: Plot, theme: Theme, width: number, height: number): string {
  const ruler = new CanvasSurface(el("canvas").getContext("2d")!);
  const surface = new SvgSurface((text, size) => ruler.measure(text, size));
  paint(plot, surface, theme, width, height + 24, heading(plot));
  return surface.document(width, height + 24);
}

export function saveSvg(plot: Plot, theme: Theme, width: number, height: number): void {
  save(fileName(plot, "svg"), svgOf(plot, theme, width, height), "image/svg+xml");
}

export function saveCsv(plot: Plot): void {
  save(fileName(plot, "csv"), csv(plot), "text/csv");
}
