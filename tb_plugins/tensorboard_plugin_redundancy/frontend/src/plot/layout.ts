// Where things go in a picture of a given size: legend and notes above, the frame with its axes below.

import { short } from "../maths/format.ts";
import type { Cells, Mark, Note, Plot } from "./plot.ts";
import { scaleOf, type Scale } from "./scales.ts";
import { SIZE } from "./surface.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Entry {
  readonly swatch: number; // pixels before the label
  readonly x: number;
  readonly y: number;
  readonly mark: Mark;
}

export interface TextLine {
  readonly x: number;
  readonly first: boolean; // of its note
  readonly y: number;
  readonly text: string;
  readonly note: Note;
}

export interface Layout {
  readonly legend: readonly Entry[];
  readonly notes: readonly TextLine[];
  readonly frame: Box;
  readonly x: Scale;
  readonly y: Scale;
}

export const LINE = 15;
export const SWATCH = 16;
const MARGIN = { left: 56, right: 12, top: 6, bottom: 34 };
const LEAST_FRAME = 60;

type Measure = (text: string, size: number) => number;

export function layout(plot: Plot, width: number, height: number, measure: Measure, above = 0): Layout {
  const left = plot.y.scale === "band" ? bandMargin(plot, width, measure) : MARGIN.left;
  const [legend, legendEnd] = legendOf(plot, left, above, width, height, measure);
  const [notes, top] = notesOf(plot, legendEnd, width, height, measure);
  const frame = {
    x: left,
    y: top + 4,
    width: Math.max(1, width - left - MARGIN.right),
    height: Math.max(1, height - top - 4 - MARGIN.bottom),
  };
  const bottom = frame.y + frame.height;
  const downwards = plot.y.scale === "band";
  return {
    legend,
    notes,
    frame,
    x: scaleOf(plot.x, [frame.x, frame.x + frame.width], 62),
    y: scaleOf(
      plot.y,
      downwards ? [frame.y + ridgeRoom(plot, frame.height), bottom] : [bottom, frame.y],
      downwards ? 13 : 34,
    ),
  };
}

/** The first of the ridges rises above its place. */
function ridgeRoom({ marks }: Plot, height: number): number {
  const ridges = marks.find((mark) => mark.type === "ridges");
  if (!ridges) return 0;
  const above = ridges.signed ? ridges.overlap / 2 : ridges.overlap - 0.5;
  return (height * above) / (ridges.rows.length + above);
}

/** Pixels of a colour bar with the numbers at its ends. */
export function barRoom({ range }: Cells, measure: Measure): { low: number; high: number } {
  return { low: measure(short(range[0]), SIZE) + 5, high: measure(short(range[1]), SIZE) + 5 };
}

export const BAR = 60;

/** Room for the longest name of the places, up to a third of the picture. */
function bandMargin(plot: Plot, width: number, measure: Measure): number {
  const names = plot.y.scale === "band" ? plot.y.names : [];
  const longest = names.reduce((most, name) => Math.max(most, name.length > 60 ? Infinity : measure(name, SIZE)), 0);
  return Math.max(36, Math.min(width / 3, 220, longest + 12)) + (plot.y.label ? 16 : 0);
}

function legendOf(
  plot: Plot,
  left: number,
  above: number,
  width: number,
  height: number,
  measure: Measure,
): [Entry[], number] {
  const found: Entry[] = [];
  let x = left;
  let y = above + MARGIN.top + LINE / 2;
  for (const mark of plot.marks.filter((each) => each.label)) {
    const swatch = swatchRoom(mark, measure);
    const room = swatch + 5 + measure(mark.label, SIZE) + 14;
    if (x > left && x + room > width) {
      x = left;
      y += LINE;
    }
    if (y + LINE > height - MARGIN.bottom - LEAST_FRAME) break;
    found.push({ x, y, mark, swatch });
    x += room;
  }
  return [found, found.length ? y + LINE / 2 : above + MARGIN.top];
}

function swatchRoom(mark: Mark, measure: Measure): number {
  if (mark.type !== "cells" || mark.palette === "mask") return SWATCH;
  const { low, high } = barRoom(mark, measure);
  return low + BAR + high;
}

function notesOf(plot: Plot, from: number, width: number, height: number, measure: Measure): [TextLine[], number] {
  const found: TextLine[] = [];
  const most = plot.marks.length ? height - MARGIN.bottom - LEAST_FRAME : height - LINE;
  let y = from + LINE / 2;
  for (const note of plot.notes) {
    const indent = note.level === "warning" ? 16 : 0;
    const lines = wrapped(note.text, width - 24 - indent, measure);
    for (const text of lines) {
      if (y + LINE / 2 > most) return [found, y - LINE / 2];
      found.push({ x: 12 + indent, y, text, note, first: text === lines[0] });
      y += LINE;
    }
  }
  return [found, y - LINE / 2];
}

/** Words in lines no wider than `width`; a word that is wider is cut. */
export function wrapped(text: string, width: number, measure: Measure): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && measure(longer, SIZE) > width) {
      lines.push(cut(line, width, measure));
      line = word;
    } else line = longer;
  }
  return [...lines, cut(line, width, measure)];
}

/** The text, or as much of it as has room with an ellipsis in the middle: ends tell layers apart. */
export function cut(text: string, width: number, measure: Measure, size = SIZE): string {
  if (measure(text.slice(0, 400), size) <= width && text.length <= 400) return text;
  let [low, high] = [0, Math.min(text.length, 400)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure(shortened(text, middle), size) <= width) low = middle;
    else high = middle - 1;
  }
  return shortened(text, low);
}

function shortened(text: string, letters: number): string {
  const tail = Math.floor((2 * letters) / 3);
  return `${text.slice(0, letters - tail)}…${tail ? text.slice(-tail) : ""}`;
}
