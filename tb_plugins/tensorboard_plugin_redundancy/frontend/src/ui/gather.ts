// What a picture of a layer needs: the events of a kind in each run that is shown, what is still to be loaded, and what can not be.

import type { Catalogue } from "../data/catalogue.ts";
import type { Event } from "../data/series.ts";
import type { Store, Want } from "../data/store.ts";
import type { Source } from "../pictures/source.ts";
import { warning, type Note } from "../plot/plot.ts";
import type { State } from "../state.ts";

export interface Context {
  readonly state: State;
  readonly catalogue: Catalogue;
  readonly store: Store;
  readonly shown: readonly string[]; // runs
  readonly colours: ReadonlyMap<string, number>;
  readonly layers: readonly string[]; // that match the filter
  open(layer: string, view?: State["view"]): void;
}

export interface Gathered {
  readonly sources: readonly Source[];
  readonly wants: readonly Want[];
  readonly notes: readonly Note[];
  readonly loading: boolean;
  readonly stamp: string;
}

const NONE: readonly Event[] = [];

export function gather(context: Context, layer: string, kind: string, runs: readonly string[]): Gathered {
  const { catalogue, store } = context;
  const sources: Source[] = [];
  const wants: Want[] = [];
  const notes: Note[] = [];
  const stamps: string[] = [];
  let loading = false;
  for (const run of runs) {
    const found = catalogue.find(layer, kind, run);
    if (!found) continue;
    const { tag, info } = found;
    if (!info.supported) {
      notes.push(warning(`${run || "."}: ${info.reason ?? "can not be read"}`));
      continue;
    }
    wants.push({ run, tag, scalar: false, kind, header: info.header, maxStep: info.maxStep, steps: "all" });
    const entry = store.entry(run, tag);
    if (entry?.error) notes.push(warning(`${run || "."}: ${entry.error}`));
    if (entry?.steps !== "all") loading = true;
    sources.push({ run, colour: context.colours.get(run) ?? 0, events: entry?.events ?? NONE });
    stamps.push(`${run} ${entry?.version ?? 0}`);
  }
  return { sources, wants, notes, loading, stamp: JSON.stringify([stamps, notes]) };
}

/** The run of tables, ridges and heat maps: as chosen, else the first that is shown. */
export function mainRun({ state, shown, catalogue }: Context): string | undefined {
  return state.a !== "" && catalogue.runs.includes(state.a) ? state.a : shown[0];
}

/** The run that is subtracted from the main one, undefined where none is. */
export function otherRun({ state, catalogue }: Context): string | undefined {
  return state.b !== "" && catalogue.runs.includes(state.b) ? state.b : undefined;
}
