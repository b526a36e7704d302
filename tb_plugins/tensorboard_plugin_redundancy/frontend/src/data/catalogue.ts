// The list of tags from the reader's side: runs, layers in network order, and the tag of a kind in a run.

import type { TagInfo, Tags } from "./protocol.ts";

export interface Found {
  readonly run: string;
  readonly tag: string;
  readonly info: TagInfo;
}

export interface Unreadable extends Found {
  readonly reason: string;
}

export class Catalogue {
  readonly runs: readonly string[];
  readonly layers: readonly string[];
  readonly unreadable: readonly Unreadable[];
  readonly #found = new Map<string, Map<string, Map<string, Found>>>(); // layer → kind → run
  readonly #scalars: Tags["scalars"];

  constructor(tags: Tags) {
    this.runs = [...tags.runs.keys()];
    this.#scalars = tags.scalars;
    const unreadable: Unreadable[] = [];
    for (const [run, found] of tags.runs) {
      for (const [tag, info] of found) {
        if (!info.supported) unreadable.push({ run, tag, info, reason: info.reason ?? "it can not be read" });
        if (info.layer) this.#add({ run, tag, info });
      }
    }
    this.unreadable = unreadable;
    this.layers = inOrder(tags, this.#found);
  }

  #add(found: Found): void {
    const { layer, kind } = found.info;
    const kinds = this.#found.get(layer) ?? new Map<string, Map<string, Found>>();
    const runs = kinds.get(kind) ?? new Map<string, Found>();
    this.#found.set(layer, kinds.set(kind, runs.set(found.run, found)));
  }

  find(layer: string, kind: string, run: string): Found | undefined {
    return this.#found.get(layer)?.get(kind)?.get(run);
  }

  /** Layers of which one of the runs has series. */
  having(runs: readonly string[]): readonly string[] {
    const has = (kinds: ReadonlyMap<string, ReadonlyMap<string, Found>>) =>
      [...kinds.values()].some((found) => runs.some((run) => found.has(run)));
    return this.layers.filter((layer) => has(this.#found.get(layer)!));
  }

  hasScalar(run: string, tag: string): boolean {
    return this.#scalars.get(run)?.has(tag) ?? false;
  }

  scalarStep(run: string, tag: string): number {
    return this.#scalars.get(run)?.get(tag)?.maxStep ?? Number.NaN;
  }
}

/** By their place in the network where it is known, else as the backend lists them. */
function inOrder(tags: Tags, layers: ReadonlyMap<string, unknown>): string[] {
  const places = new Map<string, number>();
  for (const found of tags.runs.values()) {
    for (const { layer, order } of found.values()) if (order !== null && !places.has(layer)) places.set(layer, order);
  }
  const place = (layer: string) => places.get(layer) ?? Number.POSITIVE_INFINITY;
  return [...layers.keys()].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}
