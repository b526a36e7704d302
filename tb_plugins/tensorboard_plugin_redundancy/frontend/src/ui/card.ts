// One picture on the page: a canvas for the plot, one above it for the present step, the crosshair and a pin, and buttons for files.
// It is painted when it is visible and what it depends on has changed; out of sight it holds no pixels.

import { nearest } from "../data/series.ts";
import { exportUrl } from "../data/client.ts";
import type { Want } from "../data/store.ts";
import { read, type Reading } from "../plot/hover.ts";
import type { Layout } from "../plot/layout.ts";
import { paint } from "../plot/paint.ts";
import type { Plot } from "../plot/plot.ts";
import { CanvasSurface } from "../plot/surface.ts";
import type { Theme } from "../plot/theme.ts";
import { button, el, setText } from "./dom.ts";
import { saveCsv, savePng, saveSvg } from "./files.ts";

export interface CardSpec {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly height: number;
  readonly wide: boolean;
  readonly wants: readonly Want[];
  readonly loading: boolean;
  readonly stamp: string; // differs where the plot differs
  readonly step: number | null; // the present one, for plots over steps
  readonly open: (() => void) | null;
  readonly series: { readonly run: string; readonly tag: string } | null; // what NPZ holds
  build(): Plot;
}

export class Card {
  readonly element: HTMLElement;
  visible = false;
  sighted = false; // whether it is known if it is visible
  plot: Plot | null = null;
  #spec: CardSpec;
  #theme: Theme;
  #painted = "";
  #layout: Layout | null = null;
  #size = { width: 0, height: 0 };
  #pin: { x: number; y: number } | null = null;
  #pointer: { x: number; y: number } | null = null;
  readonly #canvas = el("canvas", { class: "plot", role: "img", tabindex: "0" });
  readonly #over = el("canvas", { class: "over", "aria-hidden": "true" });
  readonly #title: HTMLElement;
  readonly #subtitle = el("span", { class: "subtitle" });
  readonly #tip = el("div", { class: "tip", role: "status" });
  readonly #state = el("div", { class: "state" });
  readonly #holder = el("div", { class: "holder" }, this.#canvas, this.#over, this.#state, this.#tip);
  readonly #npz = el("a", { class: "file", title: "every step of the series, as NumPy arrays", download: "" }, "NPZ");

  constructor(spec: CardSpec, theme: Theme) {
    this.#spec = spec;
    this.#theme = theme;
    this.#title = spec.open
      ? button(spec.title, "", () => this.#spec.open?.(), "title")
      : el("span", { class: "title" }, spec.title);
    const files = el("span", { class: "files" }, ...this.#files());
    this.element = el("figure", { class: spec.wide ? "card wide" : "card" });
    this.element.append(el("figcaption", {}, el("h3", {}, this.#title), this.#subtitle, files), this.#holder);
    this.#listen();
  }

  get spec(): CardSpec {
    return this.#spec;
  }

  #files(): HTMLElement[] {
    const size = () => [this.#size.width, this.#size.height] as const;
    const named = (text: string, does: (plot: Plot) => void) =>
      button(text, `save as ${text}`, () => this.plot && does(this.plot), "file");
    return [
      named("PNG", (plot) => savePng(plot, this.#theme, ...size())),
      named("SVG", (plot) => saveSvg(plot, this.#theme, ...size())),
      named("CSV", (plot) => saveCsv(plot)),
      this.#npz,
    ];
  }

  /** What is to be shown from now on; pixels follow with `show`. */
  update(spec: CardSpec, theme: Theme): void {
    this.#spec = spec;
    this.#theme = theme;
    setText(this.#title, spec.title);
    this.#title.title = spec.title;
    setText(this.#subtitle, spec.subtitle);
    this.#holder.style.height = `${spec.height}px`;
    this.#npz.hidden = spec.series === null;
    if (spec.series) this.#npz.href = exportUrl(spec.series.run, spec.series.tag, "npz");
  }

  show(): void {
    const width = this.#holder.clientWidth;
    const { height, stamp } = this.#spec;
    if (!width) return;
    const wanted = `${width} ${height} ${window.devicePixelRatio} ${this.#theme.dark} ${stamp}`;
    if (wanted !== this.#painted) {
      this.#painted = wanted;
      this.#size = { width, height };
      this.plot = this.#spec.build();
      this.#layout = paint(
        this.plot,
        new CanvasSurface(sized(this.#canvas, width, height)),
        this.#theme,
        width,
        height,
      );
      this.#canvas.setAttribute("aria-label", words(this.plot));
    }
    const empty = this.#spec.loading && !this.plot?.marks.length;
    setText(this.#state, this.#spec.loading ? (empty ? "Loading …" : "loading the other steps …") : "");
    this.#state.className = empty ? "state all" : "state";
    this.#paintOver();
  }

  /** Off the screen: the pixels go. */
  hide(): void {
    this.#canvas.width = this.#over.width = 0;
    this.#painted = "";
    this.plot = null;
    this.#layout = null;
  }

  #paintOver(): void {
    const { width, height } = this.#size;
    const surface = new CanvasSurface(sized(this.#over, width, height));
    if (!this.plot || !this.#layout) return;
    const { frame } = this.#layout;
    const cursor = this.#cursor();
    const line = (x0: number, y0: number, x1: number, y1: number) => {
      const path = [
        [x0, y0],
        [x1, y1],
      ] as const;
      surface.path(path, { colour: this.#theme.background, width: 3.5, alpha: 0.7 }); // seen on any colour
      surface.path(path, { colour: this.#theme.ink, width: 1.3 });
    };
    if (cursor?.axis === "x") line(cursor.at, frame.y, cursor.at, frame.y + frame.height);
    if (cursor?.axis === "y") line(frame.x - 4, cursor.at, frame.x, cursor.at);
    this.#paintReading(surface);
  }

  #paintReading(surface: CanvasSurface): void {
    const at = this.#pointer ?? this.#pinned();
    const reading = at && this.plot && this.#layout ? read(this.plot, this.#layout, at.x, at.y) : null;
    this.#tip.hidden = !reading;
    if (!reading) this.#tip.classList.remove("pinned");
    if (!reading || !at) return;
    const { frame } = this.#layout!;
    const stroke = { colour: this.#theme.muted, width: 1, dash: [3, 3] };
    surface.path(
      [
        [reading.x, frame.y],
        [reading.x, frame.y + frame.height],
      ],
      stroke,
    );
    if (this.#pin) surface.dot(reading.x, frame.y + frame.height, 4, this.#theme.colour("alert"));
    this.#tell(reading, at);
  }

  #tell(reading: Reading, at: { x: number; y: number }): void {
    const lines = [reading.head, ...reading.lines];
    this.#tip.replaceChildren(...lines.map((line) => el("div", {}, line)));
    const right = at.x > this.#size.width / 2;
    this.#tip.classList.toggle("pinned", this.#pin !== null && this.#pointer === null);
    this.#tip.style.left = right ? "auto" : `${at.x + 12}px`;
    this.#tip.style.right = right ? `${this.#size.width - at.x + 12}px` : "auto";
    this.#tip.style.top = `${Math.max(0, Math.min(at.y, this.#size.height - 18 * lines.length - 12))}px`;
  }

  /** The pin in pixels of the present axes. */
  #pinned(): { x: number; y: number } | null {
    if (!this.#pin || !this.#layout) return null;
    return { x: this.#layout.x.at(this.#pin.x), y: this.#layout.y.at(this.#pin.y) };
  }

  #cursor(): { axis: "x" | "y"; at: number } | null {
    const cursor = this.plot?.cursor;
    if (!cursor || !this.#layout) return null;
    const { axis, steps } = cursor;
    const { step } = this.#spec;
    if (steps === null) return step === null ? null : { axis, at: this.#layout[axis].at(step) };
    const index = step === null ? steps.length - 1 : nearest(steps, step);
    return index < 0 ? null : { axis, at: this.#layout[axis].at(index) };
  }

  #listen(): void {
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => this.#point({ x: event.offsetX, y: event.offsetY }));
    canvas.addEventListener("pointerleave", () => this.#point(null));
    canvas.addEventListener("blur", () => this.#point(null));
    canvas.addEventListener("click", (event) => this.#togglePin({ x: event.offsetX, y: event.offsetY }));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #point(at: { x: number; y: number } | null): void {
    this.#pointer = at;
    this.#paintOver();
  }

  #togglePin(at: { x: number; y: number } | null): void {
    const { x, y } = this.#layout ?? {};
    const old = this.#pinned();
    const again = at && old && Math.abs(old.x - at.x) < 6;
    this.#pin = !at || again || !x || !y ? null : { x: x.invert(at.x), y: y.invert(at.y) };
    this.#paintOver();
  }

  #key(event: KeyboardEvent): void {
    const frame = this.#layout?.frame;
    if (!frame) return;
    const at = this.#pointer ?? { x: frame.x + frame.width / 2, y: frame.y + frame.height / 2 };
    const moves = new Map([
      ["ArrowLeft", [-1, 0]],
      ["ArrowRight", [1, 0]],
      ["ArrowUp", [0, -1]],
      ["ArrowDown", [0, 1]],
    ]);
    const move = moves.get(event.key);
    if (move) {
      const clamp = (value: number, low: number, size: number) => Math.max(low, Math.min(low + size, value));
      const x = clamp(at.x + (move[0]! * frame.width) / 60, frame.x, frame.width);
      this.#point({ x, y: clamp(at.y + (move[1]! * frame.height) / 30, frame.y, frame.height) });
    } else if (event.key === "Enter") this.#togglePin(at);
    else if (event.key === "Escape") this.#togglePin(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The context of a canvas of that many CSS pixels, cleared. */
function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d")!;
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A picture for those who do not see it: what it shows, of what, and what is to be known. */
export function words(plot: Plot): string {
  const step = plot.step === null ? "" : `, step ${plot.step}`;
  const labels = plot.marks.map((mark) => mark.label).filter((label) => label);
  const notes = plot.notes.map(({ level, text }) => (level === "warning" ? `Warning: ${text}` : text));
  return [`${plot.kind} of ${plot.title}${step}`, ...labels, ...notes].join(". ");
}
