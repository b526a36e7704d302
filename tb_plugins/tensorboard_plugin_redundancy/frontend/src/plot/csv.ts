// What a picture shows as a table: a row for each bar, point, cell, with the series it belongs to.

import type { Axis, Mark, Plot } from "./plot.ts";

const HEAD = ["series", "x", "x_end", "y", "value"];

type Row = readonly (string | number)[];

export function csv(plot: Plot): string {
  const rows = plot.marks.flatMap((mark) => markRows(mark, plot));
  return [HEAD, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function nameOf(mark: Mark): string {
  return mark.label || mark.name || mark.type;
}

function markRows(mark: Mark, plot: Plot): Row[] {
  const name = nameOf(mark);
  switch (mark.type) {
    case "bars":
    case "outline":
      return Array.from(mark.heights, (height, i) => [name, mark.edges[i]!, mark.edges[i + 1]!, height, ""]);
    case "line":
    case "points":
      return Array.from(mark.x, (x, i) => [name, x, "", mark.y[i]!, ""]);
    case "rule":
      return [[name, mark.x, "", "", ""]];
    case "rug":
      return Array.from(mark.x, (x) => [name, x, "", "", ""]);
    case "cells":
      return Array.from(mark.values, (value, i) => {
        const [row, column] = [Math.floor(i / mark.columns), i % mark.columns];
        return [name, place(plot.x, column, mark.columns), "", place(plot.y, row, mark.rows), value];
      });
    case "ridges":
      return mark.rows.flatMap((heights, row) =>
        Array.from(heights, (value, i) => [name, mark.edges[i]!, mark.edges[i + 1]!, place(plot.y, row, 0), value]),
      );
  }
}

/** Name of a place of a band; the middle of an even cell of a continuous axis. */
export function place(axis: Axis, index: number, count: number): string | number {
  if (axis.scale === "band") return axis.names[index] ?? "";
  const [low, high] = axis.domain;
  const share = (index + 0.5) / count;
  return axis.scale === "log" ? low * (high / low) ** share : low + (high - low) * share;
}

/** RFC 4180; a name that a spreadsheet would take for a formula gets a quote before it. */
function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
