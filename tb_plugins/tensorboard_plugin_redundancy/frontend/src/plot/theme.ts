// Colours, light and dark. Runs have those of Time Series in TensorBoard 2.21; the rest is Okabe & Ito's palette, which
// colour-blind readers tell apart, and cividis for heat maps.

import type { Ink } from "./plot.ts";

export interface Theme {
  readonly dark: boolean;
  readonly background: string;
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  colour(ink: Ink): string;
  /** share in [0, 1] → [r, g, b] */
  sequential(share: number): Rgb;
  /** share in [−1, 1] → [r, g, b] */
  diverging(share: number): Rgb;
}

export type Rgb = readonly [number, number, number];

const RUNS = {
  light: ["#425066", "#12b5cb", "#e52592", "#f9ab00", "#9334e6", "#7cb342", "#e8710a"],
  dark: ["#8e98a3", "#12b5cb", "#e52592", "#f9ab00", "#9334e6", "#7cb342", "#e8710a"],
};
const CLUSTERS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8c8c8c"];
const ROLES = {
  light: { measured: "#0072b2", noise: "#b35900", tail: "#00785a", ghost: "#8a8f98", alert: "#b3261e" },
  dark: { measured: "#56b4e9", noise: "#f0a13c", tail: "#35c99a", ghost: "#9aa0a8", alert: "#ff8a80" },
};
const PAPER = {
  light: { background: "#ffffff", ink: "#202124", muted: "#5f6368", grid: "#e6e8eb" },
  dark: { background: "#303030", ink: "#f1f3f4", muted: "#b6bbc1", grid: "#474747" },
};

/** Nuñez, Anderton & Renslow 2018, at even steps. */
const CIVIDIS: readonly Rgb[] = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 180, 105],
  [225, 204, 85],
  [254, 232, 56],
];
const BELOW: Rgb = [0, 114, 178];
const ABOVE: Rgb = [213, 94, 0];

export function theme(dark: boolean): Theme {
  const name = dark ? "dark" : "light";
  const paper = PAPER[name];
  const middle: Rgb = dark ? [66, 66, 66] : [245, 245, 245];
  return {
    dark,
    ...paper,
    colour: (ink) => colour(ink, name),
    sequential: (share) => between(CIVIDIS, share),
    diverging: (share) => between([BELOW, middle, ABOVE], (share + 1) / 2),
  };
}

function colour(ink: Ink, name: "light" | "dark"): string {
  const [role, number] = ink.split(":");
  if (role === "run") return runColour(Number(number), name === "dark");
  if (role === "cluster") return CLUSTERS[Number(number) % CLUSTERS.length]!;
  if (role === "ink" || role === "muted") return PAPER[name][role];
  return ROLES[name][role as keyof (typeof ROLES)["light"]];
}

export function runColour(index: number, dark: boolean): string {
  const colours = dark ? RUNS.dark : RUNS.light;
  return colours[index % colours.length]!;
}

function between(stops: readonly Rgb[], share: number): Rgb {
  const place = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const at = Math.min(stops.length - 2, Math.floor(place));
  const rest = place - at;
  const mix = (i: 0 | 1 | 2) => Math.round(stops[at]![i] + rest * (stops[at + 1]![i] - stops[at]![i]));
  return [mix(0), mix(1), mix(2)];
}
