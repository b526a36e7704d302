// The page: what was chosen and what is there → runs, controls, pictures; and what is to be loaded next, the visible first.

import { Catalogue } from "./data/catalogue.ts";
import { Client } from "./data/client.ts";
import { Store, type Want } from "./data/store.ts";
import { counted } from "./maths/format.ts";
import { theme, type Theme } from "./plot/theme.ts";
import { Host, Messages } from "./host.ts";
import { colours, selected } from "./runs.ts";
import { decode, encode, pattern, shownStep, type State } from "./state.ts";
import { el } from "./ui/dom.ts";
import { emptyState, nothingShown } from "./ui/empty.ts";
import { factsOf } from "./ui/facts.ts";
import { mainRun, otherRun, type Context } from "./ui/gather.ts";
import { Grid } from "./ui/grid.ts";
import { layerCards } from "./ui/layercards.ts";
import { overviewCard, overviewWants } from "./ui/overviewcard.ts";
import { metricsOf } from "./ui/overviewdata.ts";
import { report } from "./ui/report.ts";
import { Sidebar } from "./ui/sidebar.ts";
import { StepBar } from "./ui/stepbar.ts";
import { Table } from "./ui/table.ts";
import { Toolbar } from "./ui/toolbar.ts";
import { unreadableList } from "./ui/unreadable.ts";

const POLL_MS = 5000;

export class App {
  readonly #host = new Host();
  readonly #client = new Client();
  readonly #store = new Store(this.#client, () => this.#schedule());
  readonly #grid = new Grid(() => this.#schedule());
  readonly #table = new Table(
    () => this.#schedule(),
    (patch) => this.#set(patch),
  );
  readonly #facts = el("section", { class: "facts" });
  readonly #unreadable = el("section", { class: "unreadable" });
  readonly #message = el("div");
  readonly #main = el(
    "main",
    {},
    this.#message,
    this.#grid.element,
    this.#facts,
    this.#table.element,
    this.#unreadable,
  );
  readonly #toolbar = new Toolbar(
    (patch) => this.#set(patch),
    () => this.#copyLink(),
  );
  readonly #sidebar: Sidebar;
  readonly #steps = new StepBar((choice) => this.#set(choice));
  #state = decode(this.#host.readState());
  #selection = this.#host.readSelection();
  #catalogue: Catalogue | null = null;
  #allRuns: readonly string[] = [];
  #theme: Theme = theme(false);
  #stepList: { stamp: string; steps: number[] } = { stamp: "", steps: [] };
  #scheduled = false;
  #writing: ReturnType<typeof setTimeout> | null = null;
  #failure = "";
  #said = "";

  constructor(root: HTMLElement) {
    this.#sidebar = new Sidebar({
      select: (runs) => this.#select(runs),
      filter: (runFilter) => this.#set({ runFilter }),
      compare: (choice) => this.#set(choice),
    });
    const page = el("div", { class: "page" }, this.#toolbar.element, this.#main, this.#steps.element);
    root.replaceChildren(this.#sidebar.element, page);
    this.#listen();
    void this.#poll();
    setInterval(() => window.innerHeight > 0 && void this.#poll(), POLL_MS);
  }

  #listen(): void {
    this.#host.onDark((dark) => {
      this.#theme = theme(dark);
      document.documentElement.dataset["theme"] = dark ? "dark" : "light";
      this.#schedule();
    });
    this.#host.onHash(() => this.#readHash());
    window.addEventListener("resize", () => this.#schedule());
    document.addEventListener("keydown", (event) => {
      const target = event.target as HTMLElement;
      const typing = target.matches("input, select, textarea, button, canvas, a");
      if (!typing && this.#steps.key(event)) event.preventDefault();
    });
    new Messages({
      runs: (runs) => {
        this.#allRuns = runs;
        this.#schedule();
      },
      reloaded: () => void this.#poll(),
    });
  }

  async #poll(): Promise<void> {
    try {
      const tags = await this.#client.tags();
      this.#failure = "";
      this.#store.failure = null;
      if (tags) this.#catalogue = new Catalogue(tags);
    } catch (error) {
      this.#failure = `TensorBoard does not answer (${error instanceof Error ? error.message : String(error)}); trying again`;
    }
    this.#schedule();
  }

  #readHash(): void {
    if (window.innerHeight === 0 || this.#writing !== null) return;
    this.#state = decode(this.#host.readState());
    this.#selection = this.#host.readSelection();
    this.#schedule();
  }

  #set(patch: Partial<State>): void {
    const before = this.#state;
    this.#state = { ...before, ...patch };
    if (patch.view !== undefined && patch.view !== before.view) this.#state = { ...this.#state, picture: "" };
    if (this.#writing === null) this.#writing = setTimeout(() => this.#write(), 250);
    this.#schedule();
  }

  #write(): void {
    this.#host.writeState(encode(this.#state));
    this.#writing = null;
  }

  #select(runs: ReadonlyMap<string, boolean>): void {
    const shown = new Set(this.#shown());
    const all = (this.#catalogue?.runs ?? []).map((run) => [run, runs.get(run) ?? shown.has(run)] as const);
    this.#selection = new Map([...this.#selection, ...all]);
    this.#host.writeSelection(this.#selection);
    this.#schedule();
  }

  #shown(): string[] {
    const found = selected(this.#catalogue?.runs ?? [], this.#selection);
    const expression = pattern(this.#state.runFilter);
    return expression ? found.filter((run) => expression.test(run)) : found;
  }

  /** Where the page may not write to the clipboard the address bar has the link all the same. */
  #copyLink(): void {
    this.#write();
    const copied = navigator.clipboard?.writeText(this.#host.address) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => this.#say("link copied"),
      () => this.#say("the address bar has the link"),
    );
  }

  #say(text: string): void {
    this.#said = text;
    this.#schedule();
    setTimeout(() => {
      this.#said = "";
      this.#schedule();
    }, 2500);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render();
    });
  }

  #context(catalogue: Catalogue): Context {
    const expression = pattern(this.#state.layerFilter);
    const shown = this.#shown();
    const compared = [this.#state.a, this.#state.b].filter((run) => run !== "");
    const layers = catalogue.having([...shown, ...compared]);
    return {
      state: { ...this.#state, step: shownStep(this.#state) },
      catalogue,
      store: this.#store,
      shown,
      colours: colours(this.#allRuns, catalogue.runs),
      layers: expression ? layers.filter((layer) => expression.test(layer)) : layers,
      open: (layer, view) => this.#set({ layer, ...(view ? { view } : {}) }),
    };
  }

  #render(): void {
    if (window.innerHeight === 0) return;
    const { runFilter, a, b } = this.#state;
    const catalogue = this.#catalogue;
    const runs = catalogue?.runs ?? [];
    const shown = this.#shown();
    const dark = this.#theme.dark;
    this.#sidebar.update({ runs, shown, colours: colours(this.#allRuns, runs), filter: runFilter, a, b, dark });
    this.#steps.update(this.#knownSteps(shown), this.#state);
    if (!catalogue || !catalogue.runs.length) {
      this.#toolbar.update(this.#state, [], this.#status());
      return this.#only(catalogue ? emptyState() : nothingShown(this.#failure || "Loading the list of series …"));
    }
    const context = this.#context(catalogue);
    const wants = this.#state.view === "overview" ? this.#overview(context) : this.#layers(context);
    this.#unreadable.replaceChildren(...unreadableList(catalogue, this.#state.view === "overview"));
    this.#store.plan(wants);
    this.#toolbar.update(this.#state, context.layers, this.#status());
  }

  #only(message: HTMLElement): void {
    this.#message.replaceChildren(message);
    this.#grid.update([], this.#theme);
    this.#facts.replaceChildren();
    this.#unreadable.replaceChildren();
    this.#table.element.hidden = true;
  }

  #status(): string {
    const failure = this.#failure || this.#store.failure;
    if (failure) return `⚠ ${failure}`;
    const waiting = this.#store.waiting;
    return waiting ? `loading ${counted(waiting, "series", "series")} …` : this.#said;
  }

  #knownSteps(runs: readonly string[]): number[] {
    const all = new Set([...runs, this.#state.a, this.#state.b]);
    const stamp = `${this.#store.version} ${JSON.stringify([...all])}`;
    if (stamp !== this.#stepList.stamp) this.#stepList = { stamp, steps: this.#store.steps(all) };
    return this.#stepList.steps;
  }

  #layers(context: Context): Want[] {
    const specs = layerCards(context);
    const none = context.shown.length ? `No ${this.#state.view} in the runs that are shown.` : "No run is selected.";
    const why =
      this.#state.view === "masks"
        ? `${none} Masks are there where layers are wrapped in PruneUnits or PruneWeights.`
        : none;
    this.#message.replaceChildren(...(specs.length ? [] : [nothingShown(why)]));
    this.#table.element.hidden = true;
    this.#grid.element.className = this.#state.layer ? "grid large" : "grid";
    this.#grid.update(specs, this.#theme);
    this.#grid.paint();
    this.#facts.replaceChildren(...factsOf(context));
    return this.#grid.visible.flatMap(({ spec }) => spec.wants);
  }

  #overview(context: Context): Want[] {
    const [a, b] = [mainRun(context), otherRun(context)];
    const runs = [...new Set([a, b].filter((run) => run !== undefined))];
    const metrics = metricsOf(context, context.shown);
    this.#message.replaceChildren(...(runs.length ? [] : [nothingShown("No run is selected.")]));
    this.#facts.replaceChildren();
    this.#grid.element.className = "grid";
    this.#grid.update(runs.length ? [overviewCard(context, runs)] : [], this.#theme);
    this.#grid.paint();
    this.#table.element.hidden = !runs.length;
    if (runs.length) this.#table.update(context, metrics, this.#theme.dark);
    return overviewWants(context, this.#table.visible, runs, metrics);
  }

  /** For tests in a browser: whether everything visible is loaded and painted. */
  get ready(): boolean {
    const painted = !this.#scheduled && this.#grid.settled;
    return this.#catalogue !== null && painted && this.#store.waiting === 0;
  }

  drawn(): object[] {
    const table = this.#table.element.hidden ? [] : [{ kind: "table", rows: this.#table.drawn() }];
    return [...this.#grid.visible.flatMap((card) => (card.plot ? [report(card)] : [])), ...table];
  }

  state(): object {
    const shown = this.#shown();
    const catalogue = this.#catalogue;
    const seen = {
      runs: catalogue?.runs ?? [],
      layers: catalogue?.layers ?? [],
      shown,
      steps: this.#knownSteps(shown),
    };
    return {
      ...this.#state,
      ...seen,
      dark: this.#theme.dark,
      loading: this.#store.waiting,
      failure: this.#failure || this.#store.failure,
    };
  }
}
