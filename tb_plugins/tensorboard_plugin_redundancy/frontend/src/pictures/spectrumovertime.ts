// Spectra over steps, as overtime.ts draws them.

import { within, type Options, type Source } from "./source.ts";
import { heatPlot, ridgePlot, type Histograms } from "./overtime.ts";
import { emptyPlot, warning, type Note, type Plot } from "../plot/plot.ts";
import { binning, decoded, densities, density, densityLabel, type Binning } from "./spectra.ts";

export function spectrumOverTime(
  shape: "ridges" | "heat",
  layer: string,
  source: Source,
  minus: Source | null,
  options: Options,
): Plot {
  const events = within(source.events, options);
  const both = minus ? [source, minus] : [source];
  const bins = source.events.length ? binning(both, source.events, { ...options, fixed: true }) : null;
  if (!bins) return emptyPlot(layer, "spectrum", [source.run], [warning("no eigenvalue above 0 at any step")]);
  const draw = shape === "ridges" ? ridgePlot : heatPlot;
  return draw(layer, source, minus, events, histograms(source, bins, shape === "heat" && options.logY && !minus));
}

function histograms(source: Source, bins: Binning, logarithmic: boolean): Histograms {
  const known = new Map(densities(source.events, bins).map((row, i) => [source.events[i]!, row]));
  const label = densityLabel(bins.spacing);
  return {
    kind: "spectrum",
    axis: bins.axis,
    edges: bins.edges,
    label: logarithmic ? `log₁₀ of ${label}` : label,
    heights: (event) => {
      const row = known.get(event) ?? density(decoded(event), bins);
      return logarithmic ? row.map((height) => (height ? Math.log10(height) : Number.NaN)) : row;
    },
    curves: [{ label: "bulk edge", ink: "alert", at: (event) => decoded(event).bulkEdge }],
    notes: broken(source),
    broken: (event) => decoded(event).values.length === 0,
  };
}

function broken(source: Source): Note[] {
  const count = source.events.filter((event) => decoded(event).values.length === 0).length;
  return count
    ? [warning(`${count} of ${source.events.length} steps have no eigenvalues: weights were NaN or infinite`)]
    : [];
}
