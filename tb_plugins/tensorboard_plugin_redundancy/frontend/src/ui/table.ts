// The layers as a table: value at the present step and sparkline of each metric. Only the rows on the screen exist.

import type { Column } from "../data/columns.ts";
import type { Metric } from "../data/metrics.ts";
import { brief, signed } from "../maths/format.ts";
import { indexAt, valueAt } from "../pictures/overview.ts";
import { runColour } from "../plot/theme.ts";
import type { State } from "../state.ts";
import { button, el, setText } from "./dom.ts";
import { mainRun, otherRun, type Context } from "./gather.ts";
import { columnOf, wantOf } from "./overviewdata.ts";
import { HEIGHT, Sparkline, WIDTH } from "./sparkline.ts";

const ROW = 30;
const MOST_LINES = 6;

export class Table {
  readonly element = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "layers" });
  readonly #change: (patch: Partial<State>) => void;
  readonly #head = el("tr");
  readonly #body = el("tbody");
  readonly #table = el("table", {}, el("thead", {}, this.#head), this.#body);
  readonly #rows = new Map<string, Row>();
  #headStamp = "";
  #shown = { stamp: "", rows: [] as readonly HTMLTableRowElement[] };
  visible: readonly string[] = [];

  constructor(changed: () => void, change: (patch: Partial<State>) => void) {
    this.#change = change;
    this.element.append(this.#table);
    this.element.addEventListener("scroll", changed, { passive: true });
  }

  update(context: Context, metrics: readonly Metric[], dark: boolean): void {
    this.#header(context.state, metrics);
    const layers = sorted(context, metrics);
    const height = this.element.clientHeight || 600;
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW) - 4);
    const last = Math.min(layers.length, Math.ceil((this.element.scrollTop + height) / ROW) + 4);
    this.visible = layers.slice(first, last);
    this.#table.setAttribute("aria-rowcount", String(layers.length + 1));
    const rows = this.visible.map((layer, i) => this.#row(context, layer, first + i, metrics, dark));
    this.#forget();
    this.#place(rows, first, layers.length - last, metrics.length);
  }

  /** The rows that are there already stay where they are: to lay out all of them again takes longer than all else. */
  #place(rows: readonly HTMLTableRowElement[], above: number, below: number, columns: number): void {
    const stamp = JSON.stringify([above, below, columns, rows.length]);
    if (stamp === this.#shown.stamp && rows.every((row, i) => row === this.#shown.rows[i])) return;
    this.#shown = { stamp, rows };
    this.#body.replaceChildren(spacer(above, columns), ...rows, spacer(below, columns));
  }

  #header(state: State, metrics: readonly Metric[]): void {
    const stamp = JSON.stringify([metrics.map(({ id }) => id), state.sort, state.descending]);
    if (stamp === this.#headStamp) return;
    this.#headStamp = stamp;
    const layer = el(
      "th",
      { scope: "col" },
      button("layer", "sort by place in the network", () => this.#change({ sort: "" })),
    );
    layer.setAttribute("aria-sort", state.sort ? "none" : "ascending");
    this.#head.replaceChildren(layer, ...metrics.map((metric) => this.#column(metric, state)));
  }

  #column(metric: Metric, { sort, descending }: State): HTMLElement {
    const active = sort === metric.id;
    const arrow = active ? (descending ? " ▾" : " ▴") : "";
    const click = () => this.#change({ sort: metric.id, descending: active ? !descending : true });
    const head = el("th", { scope: "col" }, button(metric.title + arrow, `${metric.meaning}; click sorts`, click));
    head.setAttribute("aria-sort", active ? (descending ? "descending" : "ascending") : "none");
    return head;
  }

  #row(context: Context, layer: string, index: number, metrics: readonly Metric[], dark: boolean): HTMLTableRowElement {
    const ids = metrics.map(({ id }) => id).join();
    const known = this.#rows.get(layer);
    const row = known?.ids === ids ? known : this.#newRow(layer, metrics, ids, (at) => context.open(at, "spectrum"));
    row.element.setAttribute("aria-rowindex", String(index + 2));
    metrics.forEach((metric, i) => row.cells[i]!.update(context, layer, metric, dark));
    return row.element;
  }

  #newRow(layer: string, metrics: readonly Metric[], ids: string, open: (layer: string) => void): Row {
    const name = button(layer, layer, () => open(layer), "link");
    name.dir = "auto";
    const cells = metrics.map(() => new Cell());
    const element = el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((cell) => cell.element));
    const row = { ids, element, cells };
    this.#rows.set(layer, row);
    return row;
  }

  #forget(): void {
    if (this.#rows.size < 400) return;
    const kept = new Set(this.visible);
    for (const layer of [...this.#rows.keys()]) if (!kept.has(layer)) this.#rows.delete(layer);
  }

  drawn(): object[] {
    return [...this.#body.querySelectorAll("tr:not(.spacer)")].map((row) => ({
      layer: row.querySelector("th")?.textContent ?? "",
      cells: [...row.querySelectorAll("td")].map((cell) => cell.textContent ?? ""),
    }));
  }
}

function spacer(rows: number, columns: number): HTMLElement {
  const cell = el("td", { colspan: String(columns + 1) });
  cell.style.height = `${rows * ROW}px`;
  const row = el("tr", { class: "spacer", "aria-hidden": "true" }, cell);
  row.hidden = rows === 0;
  return row;
}

/** Layers in network order, or by a metric at the present step, those without a number last. */
function sorted(context: Context, metrics: readonly Metric[]): readonly string[] {
  const { state, layers } = context;
  const metric = metrics.find(({ id }) => id === state.sort);
  const run = mainRun(context);
  if (!metric || run === undefined) return layers;
  const sign = state.descending ? -1 : 1;
  const keyed = layers.map((layer) => ({ layer, value: shownValue(context, layer, metric, run) }));
  keyed.sort((a, b) => {
    if (Number.isNaN(a.value) || Number.isNaN(b.value))
      return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
    return sign * (a.value - b.value);
  });
  return keyed.map(({ layer }) => layer);
}

function shownValue(context: Context, layer: string, metric: Metric, run: string): number {
  const value = valueAt(columnOf(context, layer, run, metric), context.state.step);
  const other = otherRun(context);
  return other === undefined ? value : value - valueAt(columnOf(context, layer, other, metric), context.state.step);
}

interface Row {
  readonly ids: string; // of the metrics
  readonly element: HTMLTableRowElement;
  readonly cells: readonly Cell[];
}

/** A value and its sparkline. When only the step changes, only the text and the dot do. */
class Cell {
  readonly element = el("td");
  readonly #value = el("span", { class: "value" });
  #lines: readonly (readonly [colour: string, column: Column])[] | null = null;
  #sparkline: Sparkline | null = null;

  update(context: Context, layer: string, metric: Metric, dark: boolean): void {
    const run = mainRun(context);
    const text = run === undefined ? "" : textOf(context, layer, metric, run);
    const doubtful = text.startsWith("(");
    setText(this.#value, text);
    this.#value.className = doubtful ? "value doubtful" : "value";
    this.#value.title = doubtful ? "the fit is not trustworthy: open the layer to see why" : "";
    const lines = run === undefined ? [] : linesOf(context, layer, metric, run);
    this.#draw(lines.map(([colour, column]) => [runColour(colour, dark), column]));
    this.#sparkline?.move(lines.map(([, column]) => indexAt(column, context.state.step)));
  }

  #draw(lines: readonly (readonly [colour: string, column: Column])[]): void {
    const known = this.#lines;
    const same =
      known?.length === lines.length && lines.every((line, i) => line.every((each, j) => each === known[i]![j]));
    if (same) return;
    this.#lines = lines;
    const any = lines.some(([, { values }]) => values.length > 1);
    this.#sparkline = any ? new Sparkline(lines.map(([colour, { values }]) => ({ values, colour }))) : null;
    this.element.replaceChildren(this.#value, this.#sparkline?.element ?? blank());
  }
}

/** From the series itself, which alone knows whether the number is to be trusted; "…" until the present step of it is there. */
function textOf(context: Context, layer: string, metric: Metric, run: string): string {
  if (otherRun(context) !== undefined) {
    return columnOf(context, layer, run, metric) ? signed(shownValue(context, layer, metric, run)) : "";
  }
  const { step } = context.state;
  const want = wantOf(context, layer, run, metric, "all");
  const column = want && context.store.column(run, want.tag, metric.id);
  if (!column) return want ? "…" : "";
  if (!column.steps.length) return "";
  if (!column.complete && step !== null && column.steps[0] !== step) return "…";
  const at = indexAt(column, step);
  const value = column.values[at]!;
  return (column.believable?.[at] ?? true) || Number.isNaN(value) ? brief(value) : `(${brief(value)})`;
}

/** The runs' columns, the main run's last and so on top. */
function linesOf(context: Context, layer: string, metric: Metric, run: string): [colour: number, column: Column][] {
  const other = otherRun(context);
  const runs = other === undefined ? context.shown.filter((each) => each !== run).slice(0, MOST_LINES - 1) : [other];
  return [...runs.reverse(), run].flatMap((each) => {
    const column = columnOf(context, layer, each, metric);
    return column?.complete ? [[context.colours.get(each) ?? 0, column] as [number, Column]] : [];
  });
}

function blank(): HTMLElement {
  const element = el("span", { class: "blank" });
  element.style.width = `${WIDTH}px`;
  element.style.height = `${HEIGHT}px`;
  return element;
}
