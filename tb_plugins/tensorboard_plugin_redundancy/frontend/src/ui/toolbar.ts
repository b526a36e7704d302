// Views, the layer, and what can be set for the pictures of a view.

import { integer, short } from "../maths/format.ts";
import { METRICS } from "../data/metrics.ts";
import { pattern, VIEWS, type State, type View } from "../state.ts";
import { button, check, choice, el, filter, setText, slider } from "./dom.ts";
import { PICTURES, pictureOf } from "./layercards.ts";

type Change = (patch: Partial<State>) => void;
interface Control {
  readonly element: HTMLElement;
  sync(state: State): void;
}

export class Toolbar {
  readonly element: HTMLElement;
  readonly #change: Change;
  readonly #tabs: readonly HTMLButtonElement[];
  readonly #layer = el("select", { "aria-label": "layer" });
  readonly #filter;
  readonly #options = el("div", { class: "options" });
  readonly #status = el("span", { class: "status", role: "status" });
  #controls: readonly Control[] = [];
  #shape = "";
  #layers = "";
  #known: readonly string[] = [];

  constructor(change: Change, copyLink: () => void) {
    this.#change = change;
    this.#tabs = VIEWS.map((view) => {
      const tab = button(view[0]!.toUpperCase() + view.slice(1), "", () => change({ view }), "tab");
      tab.setAttribute("role", "tab");
      return tab;
    });
    this.#layer.addEventListener("change", () => change({ layer: this.#layer.value }));
    this.#filter = filter("filter layers (regex)", (layerFilter) => change({ layerFilter }));
    const tabs = el("div", { role: "tablist", "aria-label": "view", class: "tabs" }, ...this.#tabs);
    const layer = el(
      "span",
      { class: "layer" },
      button("‹", "layer before", () => this.#move(-1)),
      this.#layer,
      button("›", "next layer", () => this.#move(1)),
      this.#filter.element,
    );
    const link = button("copy link", "copy a link to this page as it is", copyLink);
    this.element = el(
      "header",
      { class: "toolbar" },
      el("div", { class: "row" }, tabs, layer, this.#status, link),
      this.#options,
    );
  }

  #move(by: number): void {
    const at = this.#known.indexOf(this.#layer.value);
    const layer = this.#known[Math.max(0, Math.min(this.#known.length - 1, at + by))];
    if (layer !== undefined) this.#change({ layer });
  }

  update(state: State, layers: readonly string[], status: string): void {
    this.#tabs.forEach((tab, i) => tab.setAttribute("aria-selected", String(VIEWS[i] === state.view)));
    this.#filter.set(state.layerFilter, pattern(state.layerFilter) !== null);
    this.#known = layers;
    this.#list(state, layers);
    setText(this.#status, status);
    const shape = `${state.view} ${state.layer !== ""} ${state.layer ? "" : state.picture}`;
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#controls = controls(state, this.#change);
      this.#options.replaceChildren(...this.#controls.map(({ element }) => element));
    }
    for (const control of this.#controls) control.sync(state);
  }

  #list(state: State, layers: readonly string[]): void {
    const names = state.layer && !layers.includes(state.layer) ? [state.layer, ...layers] : layers;
    const stamp = JSON.stringify(names);
    if (stamp !== this.#layers) {
      this.#layers = stamp;
      const all = el("option", { value: "" }, `all layers (${integer(layers.length)})`);
      this.#layer.replaceChildren(all, ...names.map((name) => el("option", { value: name }, name)));
    }
    this.#layer.value = state.layer;
  }
}

function controls(state: State, change: Change): Control[] {
  if (state.view === "overview") return [metric(change)];
  const pictures = state.layer ? [] : [picture(state.view, change)];
  if (state.view === "spectrum") return [...pictures, ...spectrum(change)];
  if (state.view === "angles") return [...pictures, ...angles(change)];
  return pictures;
}

function metric(change: Change): Control {
  const found = choice(
    "heat map of",
    METRICS.map(({ id, title }) => [id, title] as const),
    (id) => change({ metric: id }),
  );
  return { element: found.element, sync: ({ metric: id }) => found.set(id) };
}

function picture(view: Exclude<View, "overview">, change: Change): Control {
  const buttons = PICTURES[view].map(({ id, title }) => button(title, "", () => change({ picture: id }), "segment"));
  const element = el("span", { class: "segments", role: "group", "aria-label": "picture" }, ...buttons);
  return {
    element,
    sync: (state) =>
      PICTURES[view].forEach((each, i) => buttons[i]!.setAttribute("aria-pressed", String(each === pictureOf(state)))),
  };
}

type Flag = "logX" | "logY" | "ghost" | "fixed";

function flag(name: Flag, label: string, title: string, change: Change): Control {
  const found = check(label, title, (on) => change({ [name]: on }));
  return { element: found.element, sync: (state) => found.set(state[name]) };
}

function number(
  name: "bins" | "degrees" | "threshold",
  label: string,
  range: readonly [number, number, number],
  words: (value: number) => string,
  change: Change,
): Control {
  const found = slider(label, range, words, (value) => change({ [name]: value }));
  return { element: found.element, sync: (state) => found.set(state[name]) };
}

function spectrum(change: Change): Control[] {
  return [
    flag(
      "logX",
      "log λ",
      "logarithmic axis of eigenvalues; densities are then per ln λ, so that areas stay true",
      change,
    ),
    flag("logY", "log density", "logarithmic axis of densities, and log colours in heat maps", change),
    number("bins", "bins", [0, 200, 5], (value) => (value ? integer(value) : "auto"), change),
    flag("ghost", "first step", "the first step as an outline behind the present one", change),
    flag("fixed", "fixed axes", "the same axes at every step", change),
  ];
}

function angles(change: Change): Control[] {
  return [
    number("degrees", "bins of", [1, 10, 1], (value) => `${short(value)}°`, change),
    number("threshold", "threshold", [0, 180, 1], (value) => `${short(value)}°`, change),
    flag("ghost", "first step", "the first step as an outline behind the present one", change),
    flag("fixed", "fixed axes", "the same axes at every step", change),
  ];
}
