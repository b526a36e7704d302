// What pictures are made of: the events of one layer and kind in each run that is shown, and how the reader wants them drawn.

import { nearestEvent, type Event } from "../data/series.ts";
import { counted, integer } from "../maths/format.ts";
import { info, warning, type Ink, type Note } from "../plot/plot.ts";
import { clipped, runNames } from "../runs.ts";

export interface Source {
  readonly run: string;
  readonly colour: number; // index of the run's colour
  readonly events: readonly Event[];
}

export interface Options {
  readonly step: number | null; // null: each run's last
  readonly from: number | null;
  readonly to: number | null;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly bins: number; // 0: chosen by the data
  readonly ghost: boolean; // the first step behind the present one
  readonly fixed: boolean; // the same axes at every step
  readonly degrees: number; // width of the bins of angles
  readonly threshold: number; // degrees
}

/** A source at the step that is shown. */
export interface Now extends Source {
  readonly event: Event;
  readonly ink: Ink;
  readonly label: string; // what tells the run from the others of the picture
  readonly name: string; // the same, with its step where runs differ in it
  readonly crowded: boolean; // beside so many runs that there is room for little more than names
}

const MOST_RUNS = 12;
const CROWD = 5;
const MOST_LINES = 4;

/** As many runs as can be told apart in one picture; a note says how many are left out. */
export function atMost(runs: readonly string[]): { runs: readonly string[]; notes: Note[] } {
  if (runs.length <= MOST_RUNS) return { runs, notes: [] };
  return {
    runs: runs.slice(0, MOST_RUNS),
    notes: [info(`${MOST_RUNS} of ${runs.length} runs are drawn: choose fewer`)],
  };
}

/** The event of each run nearest to the step, null being its last. */
export function at(sources: readonly Source[], step: number | null): Now[] {
  const found = sources.flatMap((source) => {
    const event = nearestEvent(source.events, step);
    return event ? [{ ...source, event, ink: `run:${source.colour}` as Ink }] : [];
  });
  const same = found.every(({ event }) => event.step === found[0]!.event.step);
  const names = runNames(found.map(({ run }) => run));
  return found.map((each) => {
    const label = clipped(names.get(each.run)!, 12, 23);
    const crowded = found.length >= CROWD;
    const step = same ? "" : `${crowded ? " @ " : " · step "}${integer(each.event.step)}`;
    return { ...each, label, name: label + step, crowded };
  });
}

/** What is to be said of each run; several of which the same is to be said share a line. */
export function sayOfEach(now: readonly Now[], words: (each: Now) => string): Note[] {
  const names = new Map<string, string[]>();
  for (const each of now) names.set(words(each), [...(names.get(words(each)) ?? []), each.name]);
  const lines = [...names].map(([said, runs]) => info(`${together(runs, now.length)}: ${said}`));
  const left = lines.length - MOST_LINES;
  return left > 0 && now[0]!.crowded
    ? [...lines.slice(0, MOST_LINES), info(`and ${counted(left, "line")} more: choose fewer runs`)]
    : lines;
}

/** Names of some of all runs. */
export function together(names: readonly string[], all: number): string {
  if (names.length === all && all > 1) return "every run";
  return names.length < CROWD ? names.join(", ") : `${names.length} of ${all} runs`;
}

/** The events between the ends of the range that is shown. */
export function within(events: readonly Event[], options: Options): readonly Event[] {
  const { from, to } = options;
  return events.filter((event) => (from === null || event.step >= from) && (to === null || event.step <= to));
}

/** At most `most` events, evenly chosen, the first and the last among them. */
export function thinned(events: readonly Event[], most: number): { events: readonly Event[]; notes: Note[] } {
  if (events.length <= most) return { events, notes: [] };
  const chosen = Array.from({ length: most }, (_, i) => events[Math.round((i * (events.length - 1)) / (most - 1))]!);
  return { events: chosen, notes: [info(`${most} of ${events.length} steps are drawn`)] };
}

export function nonfiniteNote(count: number, of: string): Note[] {
  return count ? [warning(`${integer(count)} ${of} NaN or infinite, left out`)] : [];
}

const memory = new WeakMap<readonly Event[], Map<string, unknown>>();

/** What depends on the events and a key alone is computed once for them: moving the step must not bin every step again. */
export function remembered<T>(events: readonly Event[], key: string, compute: () => T): T {
  const known = memory.get(events) ?? new Map<string, unknown>();
  memory.set(events, known);
  if (!known.has(key)) {
    if (known.size > 24) known.clear();
    known.set(key, compute());
  }
  return known.get(key) as T;
}
