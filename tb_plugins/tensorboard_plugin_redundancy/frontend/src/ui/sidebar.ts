// The runs: colour, selection shared with Scalars, filter, and which two are compared.

import { runColour } from "../plot/theme.ts";
import { clipped, runNames } from "../runs.ts";
import { pattern } from "../state.ts";
import { button, choice, el, filter, setText } from "./dom.ts";

export interface RunsShown {
  readonly runs: readonly string[];
  readonly shown: readonly string[];
  readonly colours: ReadonlyMap<string, number>;
  readonly filter: string;
  readonly a: string;
  readonly b: string;
  readonly dark: boolean;
}

export interface RunsChange {
  select(runs: ReadonlyMap<string, boolean>): void;
  filter(text: string): void;
  compare(choice: { a?: string; b?: string }): void;
}

export class Sidebar {
  readonly element: HTMLElement;
  readonly #change: RunsChange;
  readonly #list = el("ul", { class: "runs" });
  readonly #filter;
  readonly #count = el("p", { class: "count" });
  readonly #compare = el("div", { class: "compare" });
  #now: RunsShown | null = null;
  #stamp = "";

  constructor(change: RunsChange) {
    this.#change = change;
    this.#filter = filter("filter runs (regex)", (text) => change.filter(text));
    const all = (on: boolean) => change.select(new Map(this.#matching().map((run) => [run, on])));
    const buttons = el(
      "p",
      { class: "buttons" },
      button("all", "show all runs that match", () => all(true)),
      button("none", "show none of the runs that match", () => all(false)),
    );
    const head = el("h2", {}, "Runs");
    this.element = el(
      "aside",
      { "aria-label": "runs" },
      head,
      this.#filter.element,
      buttons,
      this.#count,
      this.#list,
      this.#compare,
    );
  }

  #matching(): string[] {
    const { runs = [], filter: text = "" } = this.#now ?? {};
    const expression = pattern(text);
    return expression ? runs.filter((run) => expression.test(run)) : [...runs];
  }

  update(now: RunsShown): void {
    this.#now = now;
    this.#filter.set(now.filter, pattern(now.filter) !== null);
    const stamp = JSON.stringify([now.runs, now.shown, now.filter, now.a, now.b, now.dark, [...now.colours]]);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["run"] : undefined;
    const shown = new Set(now.shown);
    const matching = this.#matching();
    const names = runNames(now.runs);
    this.#list.replaceChildren(...matching.map((run) => this.#row(run, names.get(run)!, shown.has(run), now)));
    setText(this.#count, `${now.shown.length} of ${now.runs.length} shown`);
    this.#compare.replaceChildren(...(now.runs.length > 1 ? this.#choices(now) : []));
    if (focused !== undefined)
      [...this.#list.querySelectorAll("input")].find(({ dataset }) => dataset["run"] === focused)?.focus();
  }

  #row(run: string, label: string, on: boolean, now: RunsShown): HTMLElement {
    const box = el("input", { type: "checkbox" });
    box.dataset["run"] = run;
    box.checked = on;
    box.addEventListener("change", () => this.#change.select(new Map([[run, box.checked]])));
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = runColour(now.colours.get(run) ?? 0, now.dark);
    const name = el("span", { class: "name", title: run, dir: "auto" }, clipped(label, 0, 14));
    const only = button("only", `show only ${run}`, () => this.#only(run), "only");
    return el("li", {}, el("label", {}, box, swatch, name), only);
  }

  #only(run: string): void {
    this.#change.select(new Map((this.#now?.runs ?? []).map((each) => [each, each === run])));
  }

  #choices({ runs, a, b }: RunsShown): HTMLElement[] {
    const names = [...runNames(runs)].map(([run, label]) => [run, clipped(label, 0, 17)] as const);
    const first = choice("A", [["", "first shown"], ...names], (value) => this.#change.compare({ a: value }));
    const second = choice("− B", [["", "no difference"], ...names], (value) => this.#change.compare({ b: value }));
    first.set(a);
    second.set(b);
    const hint = el(
      "p",
      { class: "hint" },
      "A is the run of the table, ridges and heat maps; with B, all pictures show A − B.",
    );
    return [el("h2", {}, "Compare"), first.element, second.element, hint];
  }
}
