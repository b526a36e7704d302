// The numbers of a layer's spectrum at the present step, a column for each run.

import { nearestEvent } from "../data/series.ts";
import { integer } from "../maths/format.ts";
import { decoded, facts } from "../pictures/spectra.ts";
import { trust } from "../maths/trust.ts";
import { el } from "./dom.ts";
import { gather, type Context } from "./gather.ts";

const MOST_RUNS = 6;

export function factsOf(context: Context): HTMLElement[] {
  const { state } = context;
  if (state.view !== "spectrum" || !state.layer) return [];
  const { sources } = gather(context, state.layer, "esd", context.shown);
  const columns = sources.slice(0, MOST_RUNS).flatMap(({ run, events }) => {
    const event = nearestEvent(events, state.step);
    return event ? [{ run, event, facts: facts(event) }] : [];
  });
  if (!columns.length) return [];
  const head = columns.map(({ run, event }) =>
    el("th", { scope: "col", dir: "auto" }, `${run || "."} · step ${integer(event.step)}`),
  );
  const rows = columns[0]!.facts.map(([name], i) =>
    el("tr", {}, el("th", { scope: "row" }, name), ...columns.map((column) => el("td", {}, column.facts[i]![1]))),
  );
  const why = el(
    "tr",
    {},
    el("th", { scope: "row" }, "why not"),
    ...columns.map(({ event }) => el("td", {}, trust(decoded(event).tail).reasons.join("; ") || "–")),
  );
  const table = el("table", {}, el("thead", {}, el("tr", {}, el("td"), ...head)), el("tbody", {}, ...rows, why));
  return [el("h3", {}, "Numbers"), table];
}
