// Series that are loaded, in the order in which they are wanted: what is visible first, two requests at a time. When more than
// a budget is held, what was wanted longest ago goes again; the columns of the overview made of it stay.

import type { Client } from "./client.ts";
import { fromKey, keyOf, type Answer } from "./protocol.ts";
import { toEvents, type Event } from "./series.ts";
import { columnsOf, type Column } from "./columns.ts";

export interface Want {
  readonly run: string;
  readonly tag: string;
  readonly scalar: boolean;
  readonly kind: string;
  readonly header: readonly string[];
  readonly maxStep: number;
  readonly steps: "all" | "last";
}

export interface Entry {
  readonly events: readonly Event[];
  readonly steps: "all" | "last";
  readonly maxStep: number; // of the list of tags when it was asked for
  readonly error: string | null;
  readonly version: number;
  readonly bytes: number;
}

const BUDGET = 48e6;
const AT_ONCE = { all: 40, last: 128, scalar: 256 };
const REQUESTS = 2;

export class Store {
  readonly #client: Client;
  readonly #changed: () => void;
  readonly #entries = new Map<string, Entry>();
  readonly #columns = new Map<string, ReadonlyMap<string, Column>>();
  readonly #used = new Map<string, number>();
  #queue: Want[] = [];
  #flying = new Set<string>();
  #requests = 0;
  #clock = 0;
  #version = 0;
  failure: string | null = null;

  constructor(client: Client, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  get version(): number {
    return this.#version;
  }

  get waiting(): number {
    return this.#queue.length + this.#flying.size;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  entry(run: string, tag: string): Entry | undefined {
    return this.#entries.get(keyOf(run, tag));
  }

  /** Values of a metric of the overview, whether or not the series itself is still held. */
  column(run: string, tag: string, metric: string): Column | undefined {
    return this.#columns.get(keyOf(run, tag))?.get(metric);
  }

  /** What is wanted now, most urgent first; earlier plans that are not under way are dropped. */
  plan(wants: readonly Want[]): void {
    this.#clock++;
    const seen = new Set<string>();
    this.#queue = wants.filter((want) => {
      const key = keyOf(want.run, want.tag);
      this.#used.set(key, this.#clock);
      const id = `${key} ${want.steps}`;
      if (seen.has(id)) return false;
      seen.add(id);
      return !this.#flying.has(id) && !this.#satisfied(key, want);
    });
    this.#pump();
  }

  #satisfied(key: string, want: Want): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return want.steps === "last" && this.#columns.has(key);
    return (entry.steps === "all" || want.steps === "last") && !(want.maxStep > entry.maxStep);
  }

  #pump(): void {
    while (this.#requests < REQUESTS && this.#queue.length && !this.failure) {
      const { scalar, steps } = this.#queue[0]!;
      const group: Want[] = [];
      const rest: Want[] = [];
      const most = scalar ? AT_ONCE.scalar : AT_ONCE[steps];
      for (const want of this.#queue) {
        const fits = group.length < most && want.scalar === scalar && want.steps === steps;
        (fits ? group : rest).push(want);
      }
      this.#queue = rest;
      void this.#load(group, steps, scalar);
    }
  }

  async #load(group: Want[], steps: "all" | "last", scalar: boolean): Promise<void> {
    const ids = group.map((want) => `${keyOf(want.run, want.tag)} ${steps}`);
    ids.forEach((id) => this.#flying.add(id));
    this.#requests++;
    try {
      const pairs = group.map(({ run, tag }) => [run, tag] as const);
      const { series, next } = await this.#client.batch(pairs, steps, scalar);
      series.forEach((answer, i) => this.#keep(group[i]!, answer));
      if (next !== null) this.#queue.unshift(...group.slice(next));
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      ids.forEach((id) => this.#flying.delete(id));
      this.#requests--;
    }
    this.#evict();
    this.#version++;
    this.#pump();
    this.#changed();
  }

  #keep(want: Want, answer: Answer): void {
    const key = keyOf(want.run, want.tag);
    const events = toEvents(answer, want.header);
    const bytes = answer.values.reduce((sum, values) => sum + 4 * values.length + 120, 0);
    const { steps, maxStep } = want;
    const known = this.#entries.get(key);
    if (steps === "last" && known?.steps === "all" && known.maxStep >= maxStep) return;
    const held = want.scalar ? { events: [], bytes: 0 } : { events, bytes }; // of a scalar the column is all that is drawn
    this.#entries.set(key, { ...held, steps, maxStep, error: answer.error, version: ++this.#version });
    this.#columns.set(key, columnsOf(want.kind, events, steps === "all"));
  }

  #evict(): void {
    let held = 0;
    for (const { bytes } of this.#entries.values()) held += bytes;
    if (held <= BUDGET) return;
    const oldest = [...this.#entries.keys()].sort((a, b) => (this.#used.get(a) ?? 0) - (this.#used.get(b) ?? 0));
    for (const key of oldest) {
      if (held <= BUDGET || this.#used.get(key) === this.#clock) return;
      held -= this.#entries.get(key)!.bytes;
      this.#entries.delete(key);
    }
  }

  /** All steps that the runs have in what is loaded, ascending. */
  steps(runs: ReadonlySet<string>): number[] {
    const found = new Set<number>();
    for (const [key, columns] of this.#columns) {
      const any = columns.values().next().value;
      if (any && runs.has(fromKey(key)[0])) for (const step of any.steps) found.add(step);
    }
    return [...found].sort((a, b) => a - b);
  }
}
