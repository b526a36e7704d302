// One step for all pictures: a slider over the steps that were recorded, playing, keys, and the range that is shown over time.

import { nearest } from "../data/series.ts";
import { integer } from "../maths/format.ts";
import { button, el, setText } from "./dom.ts";

const PLAY_MS = 220;
const CALM_MS = 1000; // with prefers-reduced-motion

export interface StepChoice {
  readonly step: number | null; // null: the last, whatever comes
  readonly from: number | null;
  readonly to: number | null;
}

export class StepBar {
  readonly element: HTMLElement;
  readonly #change: (choice: Partial<StepChoice>) => void;
  readonly #slider = el("input", { type: "range", min: "0", step: "1", class: "steps", "aria-label": "step" });
  readonly #text = el("output", { class: "step", "aria-live": "off" });
  readonly #from = el("input", { type: "range", min: "0", step: "1", "aria-label": "first step shown" });
  readonly #to = el("input", { type: "range", min: "0", step: "1", "aria-label": "last step shown" });
  readonly #range = el("output", {});
  readonly #play: HTMLButtonElement;
  #steps: readonly number[] = [];
  #choice: StepChoice = { step: null, from: null, to: null };
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(change: (choice: Partial<StepChoice>) => void) {
    this.#change = change;
    this.#play = button("▶", "play (space)", () => this.toggle());
    const keys = el(
      "span",
      { class: "buttons" },
      button("⇤", "first step (Home)", () => this.go(0)),
      button("←", "step before (←)", () => this.move(-1)),
      this.#play,
      button("→", "next step (→)", () => this.move(1)),
      button("⇥", "last step, and follow (End)", () => this.go(Infinity)),
    );
    const range = el("span", { class: "range" }, "range ", this.#from, this.#to, this.#range);
    this.element = el("footer", { class: "stepbar", "aria-label": "step" }, keys, this.#slider, this.#text, range);
    this.#slider.addEventListener("input", () => this.go(this.#first + this.#slider.valueAsNumber));
    this.#from.addEventListener("input", () => this.#setRange());
    this.#to.addEventListener("input", () => this.#setRange());
  }

  get #first(): number {
    const { from } = this.#choice;
    return from === null ? 0 : Math.max(0, nearest(this.#steps, from));
  }

  get #last(): number {
    const { to } = this.#choice;
    return to === null ? this.#steps.length - 1 : nearest(this.#steps, to);
  }

  get #index(): number {
    const { step } = this.#choice;
    const index = step === null ? this.#last : nearest(this.#steps, step);
    return Math.max(this.#first, Math.min(this.#last, index));
  }

  update(steps: readonly number[], choice: StepChoice): void {
    this.#steps = steps;
    this.#choice = choice;
    this.element.classList.toggle("none", steps.length === 0);
    const [first, last, index] = [this.#first, this.#last, this.#index];
    this.#slider.max = String(Math.max(0, last - first));
    this.#slider.value = String(index - first);
    const most = String(Math.max(0, steps.length - 1));
    this.#from.max = this.#to.max = most;
    this.#from.value = String(first);
    this.#to.value = String(last);
    const words = steps.length ? `step ${integer(steps[index]!)} · ${index + 1} of ${steps.length}` : "no steps yet";
    setText(this.#text, choice.step === null && choice.to === null && steps.length ? `${words} · latest` : words);
    this.#slider.setAttribute("aria-valuetext", words);
    const whole = first === 0 && last === steps.length - 1;
    setText(this.#range, whole || !steps.length ? "all" : `${integer(steps[first]!)}–${integer(steps[last]!)}`);
  }

  go(index: number): void {
    if (!this.#steps.length) return;
    const at = Math.max(this.#first, Math.min(this.#last, index));
    this.#change({ step: at === this.#steps.length - 1 ? null : this.#steps[at]! });
  }

  move(by: number): void {
    this.go(this.#index + by);
  }

  toggle(): void {
    if (this.#timer !== null) return this.#stop();
    if (this.#index === this.#last) this.go(this.#first);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#timer = setInterval(() => this.#tick(), calm ? CALM_MS : PLAY_MS);
    this.#play.textContent = "❚❚";
    this.#play.setAttribute("aria-label", "pause (space)");
  }

  #tick(): void {
    if (this.#index >= this.#last || window.innerHeight === 0) this.#stop();
    else this.move(1);
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#play.textContent = "▶";
    this.#play.setAttribute("aria-label", "play (space)");
  }

  #setRange(): void {
    const [a, b] = [this.#from.valueAsNumber, this.#to.valueAsNumber];
    const [first, last] = [Math.min(a, b), Math.max(a, b)];
    this.#change({
      from: first === 0 ? null : this.#steps[first]!,
      to: last === this.#steps.length - 1 ? null : this.#steps[last]!,
    });
  }

  /** Keys for the whole page; true where the key was ours. */
  key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowLeft") this.move(event.shiftKey ? -10 : -1);
    else if (event.key === "ArrowRight") this.move(event.shiftKey ? 10 : 1);
    else if (event.key === "Home") this.go(0);
    else if (event.key === "End") this.go(Infinity);
    else if (event.key === " ") this.toggle();
    else return false;
    return true;
  }
}
