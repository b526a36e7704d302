// The fraction of eigenvalues at or above λ, without bins, beside the Marchenko–Pastur law and the fitted tail. Log-log.

import { largest, type Spectrum } from "../data/spectrum.ts";
import { marchenkoPasturAbove, marchenkoPasturEdges, tailAbove } from "../maths/laws.ts";
import { edges } from "../maths/bins.ts";
import { counted, short } from "../maths/format.ts";
import { trust } from "../maths/trust.ts";
import { emptyPlot, warning, type Ink, type Mark, type Plot } from "../plot/plot.ts";
import { at, type Now, type Options, type Source } from "./source.ts";
import { binning, decoded, spectrumNotes } from "./spectra.ts";

const KIND = "ccdf";

export function ccdfPlot(layer: string, sources: readonly Source[], options: Options): Plot {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  const shown = now.map(({ event }) => event);
  const bins = now.length
    ? binning(
        sources.filter(({ events }) => events.length),
        shown,
        options,
      )
    : null;
  if (!bins) return emptyPlot(layer, KIND, runs, [warning("no eigenvalue above 0 at this step")]);
  const alone = now.length === 1;
  const marks = now.flatMap((each) => (alone ? withLaws(each, options) : [points(each, each.name, each.ink)]));
  const drawn = now.flatMap(({ event, events }) => [event, events[0]!]).map((event) => decoded(event).total);
  return {
    title: layer,
    kind: KIND,
    runs,
    step: now[0]!.event.step,
    x: bins.axis,
    y: { scale: "log", label: "fraction ≥ λ", domain: [0.6 / Math.max(1, ...drawn), 1.3] },
    marks,
    notes: alone ? spectrumNotes(now[0]!, options.logX) : [],
  };
}

function withLaws(now: Now, options: Options): Mark[] {
  const spectrum = decoded(now.event);
  const first = now.events[0]!;
  const ghost = options.ghost && first.step !== now.event.step;
  const label = `${counted(Math.round(spectrum.total), "eigenvalue")}, step ${short(now.event.step)}`;
  return [
    ...(ghost ? [points({ ...now, event: first }, `step ${short(first.step)}`, "ghost")] : []),
    ...(spectrum.total ? [points(now, label, "measured")] : []),
    ...bulk(spectrum),
    ...tail(spectrum),
  ];
}

function points({ event }: Now, label: string, ink: Ink): Mark {
  const { values, weights, total } = decoded(event);
  const y = new Float64Array(values.length);
  let above = 0;
  for (let i = values.length - 1; i >= 0; i--) {
    above += weights[i]!;
    y[i] = above / total;
  }
  const first = values.findIndex((value) => value > 0);
  return { type: "points", label, ink, x: values.subarray(Math.max(0, first)), y: y.subarray(Math.max(0, first)) };
}

function bulk({ q, sigma2, bulkEdge, values, spikes, total }: Spectrum): Mark[] {
  if (!(q >= 1 && sigma2 > 0)) return [];
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  const least = values.find((value) => value > 0) ?? high;
  const x = edges(Math.max(low, Math.min(least, high / 2)), high * (1 - 1e-9), 200, "log");
  const beyond = spikes / total;
  const y = marchenkoPasturAbove(x, q, sigma2).map((above) => beyond + (1 - beyond) * above);
  return [
    { type: "line", label: `Marchenko–Pastur, σ² = ${short(sigma2)}`, ink: "noise", x, y },
    { type: "rule", label: `bulk edge ${short(bulkEdge)}`, ink: "noise", x: bulkEdge, dashed: true },
  ];
}

function tail(spectrum: Spectrum): Mark[] {
  const { alpha, xmin, count } = spectrum.tail;
  if (!(alpha > 1 && xmin > 0)) return [];
  const { trusted } = trust(spectrum.tail);
  const x = edges(xmin, Math.max(largest(spectrum), xmin * 1.0001), 60, "log");
  const y = x.map((lambda) => tailAbove(lambda, alpha, xmin, count / spectrum.total));
  const label = `alpha = ${short(alpha)}${trusted ? "" : " (not trustworthy)"}`;
  return [
    { type: "line", label, ink: "tail", x, y, thin: !trusted, dashed: !trusted },
    { type: "rule", label: `xmin ${short(xmin)}`, ink: "tail", x: xmin, dashed: true },
  ];
}
