// What a card shows, in plain JSON: how tests compare what is drawn with what was written.

import type { Mark } from "../plot/plot.ts";
import type { Card } from "./card.ts";

export function report({ plot, spec }: Card): object {
  if (!plot) return {};
  const { title, kind, runs, step, x, y } = plot;
  return {
    id: spec.id,
    title,
    kind,
    runs,
    step,
    x,
    y,
    marks: plot.marks.map(plain),
    messages: plot.notes.map(({ level, text }) => ({ level, text })),
    loading: spec.loading,
  };
}

function plain(mark: Mark): object {
  return Object.fromEntries(Object.entries(mark).map(([name, value]) => [name, listed(value)]));
}

function listed(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return Array.isArray(value) ? value.map(listed) : value;
}
