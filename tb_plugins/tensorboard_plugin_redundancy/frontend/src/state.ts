// What the reader chose: the address of what is on the page. Only what differs from the defaults is written.

import type { Options } from "./pictures/source.ts";

export const VIEWS = ["overview", "spectrum", "angles", "masks"] as const;
export type View = (typeof VIEWS)[number];

export interface State extends Options {
  readonly view: View;
  readonly layer: string; // "": all
  readonly picture: string; // of the grid of all layers
  readonly metric: string; // of the overview's heat map
  readonly sort: string; // "": network order
  readonly descending: boolean;
  readonly runFilter: string;
  readonly layerFilter: string;
  readonly a: string; // the run of the table, heat map and ridges; "": the first that is shown
  readonly b: string; // subtracted from it; "": none
}

export const DEFAULTS: State = {
  view: "overview",
  layer: "",
  picture: "",
  metric: "alpha",
  sort: "",
  descending: true,
  runFilter: "",
  layerFilter: "",
  a: "",
  b: "",
  step: null,
  from: null,
  to: null,
  logX: true,
  logY: false,
  bins: 0,
  ghost: true,
  fixed: true,
  degrees: 2,
  threshold: 30,
};

const NAMES = Object.keys(DEFAULTS) as (keyof State)[];

export function encode(state: State): string {
  const found = new URLSearchParams();
  for (const name of NAMES) if (state[name] !== DEFAULTS[name]) found.set(name, String(state[name]));
  return found.toString();
}

/** A link that says something else than this page can show leaves the default. */
export function decode(text: string): State {
  const asked = new URLSearchParams(text);
  const found = Object.fromEntries(NAMES.map((name) => [name, valueOf(name, asked.get(name))]));
  return found as unknown as State;
}

const RANGES: Partial<Record<keyof State, readonly [number, number]>> = {
  bins: [0, 400],
  degrees: [1, 10],
  threshold: [0, 180],
};

function valueOf(name: keyof State, text: string | null): State[keyof State] {
  const standard = DEFAULTS[name];
  if (text === null) return standard;
  if (name === "view") return VIEWS.find((view) => view === text) ?? standard;
  if (typeof standard === "string") return text;
  if (typeof standard === "boolean") return text === "true";
  const number = Number(text);
  const [low, high] = RANGES[name] ?? [-Infinity, Infinity];
  return text !== "" && Number.isFinite(number) && number >= low && number <= high ? number : standard;
}

/** The step that pictures show: within the range, and its end where the last is followed. */
export function shownStep({ step, from, to }: State): number | null {
  if (step === null || (to !== null && step > to)) return to;
  return from !== null && step < from ? from : step;
}

/** A regular expression, null where it is none: then nothing is filtered, and the field says so. */
export function pattern(text: string): RegExp | null {
  try {
    return new RegExp(text, "i");
  } catch {
    return null;
  }
}
