// Eigenvalues of a layer at one step: histogram beside the Marchenko–Pastur law, spikes, tail; runs overlaid or one minus another.

import { largest, type Spectrum } from "../data/spectrum.ts";
import { marchenkoPastur, marchenkoPasturEdges, tailDensity } from "../maths/laws.ts";
import { counted, short } from "../maths/format.ts";
import { trust } from "../maths/trust.ts";
import { emptyPlot, info, warning, type Mark, type Note, type Plot } from "../plot/plot.ts";
import { at, together, type Now, type Options, type Source } from "./source.ts";
import { binning, decoded, densities, density, densityLabel, spectrumNotes, width, type Binning } from "./spectra.ts";

const KIND = "spectrum";
const CURVE = 240;

export function histogramPlot(layer: string, sources: readonly Source[], options: Options): Plot {
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
  if (!bins) return emptyPlot(layer, KIND, runs, now.flatMap(nothing));
  const marks = now.length === 1 ? oneRun(now[0]!, bins, options) : now.flatMap((each) => overlaid(each, bins));
  return {
    title: layer,
    kind: KIND,
    runs,
    step: now[0]!.event.step,
    x: bins.axis,
    y: {
      scale: options.logY ? "log" : "linear",
      label: densityLabel(bins.spacing),
      domain: heightDomain(now, bins, marks, options),
    },
    marks,
    notes: now.length === 1 ? spectrumNotes(now[0]!, options.logX) : briefNotes(now),
  };
}

function nothing(now: Now): Note[] {
  const found = spectrumNotes(now, false);
  return found.length ? found : [warning(`${now.name}: no eigenvalue above 0`)];
}

/** One line for all runs: each has its own in the numbers of the layer. */
function briefNotes(now: readonly Now[]): Note[] {
  const empty = now.filter(({ event }) => !decoded(event).values.length);
  const doubtful = now.filter(({ event }) => decoded(event).values.length && !trust(decoded(event).tail).trusted);
  const named = (runs: readonly Now[]) =>
    runs.length === now.length
      ? "any run"
      : together(
          runs.map(({ name }) => name),
          now.length,
        );
  return [
    ...(empty.length ? [warning(`weights are NaN or infinite: ${empty.map(({ name }) => name).join(", ")}`)] : []),
    ...(doubtful.length ? [warning(`fit of the tail not trustworthy in ${named(doubtful)}`)] : []),
  ];
}

function oneRun(now: Now, bins: Binning, options: Options): Mark[] {
  const spectrum = decoded(now.event);
  const heights = density(spectrum, bins);
  const label = `${counted(Math.round(spectrum.total), "eigenvalue")}, step ${short(now.event.step)}`;
  return [
    ...(spectrum.total ? [{ type: "bars", label, ink: "measured", edges: bins.edges, heights } as const] : []),
    ...(options.ghost ? ghost(now, bins) : []),
    ...bulk(spectrum, bins),
    ...tail(spectrum, bins),
  ];
}

function ghost({ events, event }: Now, bins: Binning): Mark[] {
  const first = events[0]!;
  if (first.step === event.step) return [];
  const label = `step ${short(first.step)}`;
  return [{ type: "outline", label, ink: "ghost", edges: bins.edges, heights: density(decoded(first), bins) }];
}

/** Factor that turns a density per λ into one per unit of the axis. */
function jacobian(lambda: number, bins: Binning): number {
  return bins.spacing === "log" ? lambda : 1;
}

function curve(
  low: number,
  high: number,
  bins: Binning,
  law: (lambda: number) => number,
): { x: number[]; y: number[] } {
  const x = Array.from({ length: CURVE }, (_, i) => {
    const share = i / (CURVE - 1);
    return bins.spacing === "log" ? low * (high / low) ** share : low + (high - low) * share;
  });
  return { x, y: x.map((lambda) => law(lambda) * jacobian(lambda, bins)) };
}

function bulk(spectrum: Spectrum, bins: Binning): Mark[] {
  const { q, sigma2, bulkEdge, spikes, total } = spectrum;
  if (!(q >= 1 && sigma2 > 0)) return [];
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  const from = Math.max(low, bins.edges[0]!);
  const law = curve(from, high, bins, (lambda) => (1 - spikes / total) * marchenkoPastur(lambda, q, sigma2));
  const beyond = spectrum.values.filter((value) => value > bulkEdge);
  return [
    { type: "line", label: `Marchenko–Pastur, σ² = ${short(sigma2)}`, ink: "noise", ...law },
    { type: "rule", label: `bulk edge ${short(bulkEdge)}`, ink: "noise", x: bulkEdge, dashed: true },
    ...(beyond.length ? [{ type: "rug", label: counted(spikes, "spike"), ink: "alert", x: beyond } as const] : []),
  ];
}

function tail(spectrum: Spectrum, bins: Binning): Mark[] {
  const { alpha, xmin, count } = spectrum.tail;
  if (!(alpha > 1 && xmin > 0)) return [];
  const { trusted } = trust(spectrum.tail);
  const law = curve(xmin, largest(spectrum), bins, (x) => tailDensity(x, alpha, xmin, count / spectrum.total));
  const label = `alpha = ${short(alpha)}${trusted ? "" : " (not trustworthy)"}`;
  return [
    { type: "line", label, ink: "tail", ...law, thin: !trusted, dashed: !trusted },
    { type: "rule", label: `xmin ${short(xmin)}`, ink: "tail", x: xmin, dashed: true },
  ];
}

function overlaid(now: Now, bins: Binning): Mark[] {
  const spectrum = decoded(now.event);
  const spikes = Number.isNaN(spectrum.spikes) || now.crowded ? "" : `, ${counted(spectrum.spikes, "spike")}`;
  const heights = density(spectrum, bins);
  return [
    { type: "outline", label: now.name + spikes, ink: now.ink, edges: bins.edges, heights },
    ...(spectrum.bulkEdge > 0
      ? [
          {
            type: "rule",
            label: "",
            name: `bulk edge of ${now.name}`,
            ink: now.ink,
            x: spectrum.bulkEdge,
            dashed: true,
          } as const,
        ]
      : []),
  ];
}

/** Room for the bars of every step where axes are fixed, of this one and its law else; a law far above the bars is cut. */
function heightDomain(now: readonly Now[], bins: Binning, marks: readonly Mark[], options: Options): [number, number] {
  const shown = marks.flatMap((mark) => ("heights" in mark ? [...mark.heights] : [])).filter(Number.isFinite);
  const everything = options.fixed ? now.map(({ events }) => most(densities(events, bins))) : [];
  const bars = Math.max(1e-12, ...shown, ...everything);
  const law = marks.flatMap((mark) => (mark.type === "line" && mark.ink === "noise" ? Array.from(mark.y) : []));
  const top = options.fixed ? 1.1 * bars : 1.08 * Math.max(bars, Math.min(2 * bars, Math.max(0, ...law)));
  if (!options.logY) return [0, top];
  const least = Math.min(
    ...now.map(({ event }) => 0.5 / (decoded(event).total * width(bins, bins.edges.length - 2) || 1)),
  );
  return [Math.min(least, top / 10), 2 * top];
}

function most(rows: readonly Float64Array[]): number {
  return rows.reduce((high, row) => row.reduce((a, b) => (b > a ? b : a), high), 0);
}

/** Density of run A minus that of run B, in the bins of both. */
export function differencePlot(layer: string, a: Source, b: Source, options: Options): Plot {
  const now = at([a, b], options.step);
  const runs = now.map(({ run }) => run);
  const bins =
    now.length === 2
      ? binning(
          [a, b],
          now.map(({ event }) => event),
          options,
        )
      : null;
  if (!bins) return emptyPlot(layer, KIND, runs, [warning("A − B needs eigenvalues in both runs")]);
  const [first, second] = now.map(({ event }) => density(decoded(event), bins)) as [Float64Array, Float64Array];
  const heights = first.map((height, i) => height - second[i]!);
  const top = 1.1 * Math.max(1e-12, ...heights.map(Math.abs));
  const label = `${now[0]!.name} − ${now[1]!.name}`;
  return {
    title: layer,
    kind: KIND,
    runs,
    step: now[0]!.event.step,
    x: bins.axis,
    y: { scale: "linear", label: `difference of ${densityLabel(bins.spacing)}`, domain: [-top, top] },
    marks: [{ type: "bars", label, ink: "measured", edges: bins.edges, heights }],
    notes:
      now[0]!.event.step === now[1]!.event.step ? [] : [info("the runs have no step in common here: the nearest ones")],
  };
}
