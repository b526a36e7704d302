// The events of one series in ascending order of their steps, each with its header scalars by name and its data.

import type { Answer } from "./protocol.ts";

export interface Event {
  readonly step: number;
  readonly wallTime: number;
  /** A header scalar; NaN where it could not be measured or has another name. */
  head(name: string): number;
  readonly data: Float32Array;
}

/** A part of the floats of its series: views are made when they are read, there may be 100,000 of them. */
class PartEvent implements Event {
  readonly #floats: Float32Array;
  readonly #from: number;
  readonly #to: number;
  readonly #names: readonly string[];

  constructor(
    readonly step: number,
    readonly wallTime: number,
    floats: Float32Array,
    [from, to]: readonly [number, number],
    names: readonly string[],
  ) {
    this.#floats = floats;
    this.#from = from;
    this.#to = to;
    this.#names = names;
  }

  head(name: string): number {
    const at = this.#names.indexOf(name);
    return at < 0 ? Number.NaN : this.#floats[this.#from + at]!;
  }

  get data(): Float32Array {
    return this.#floats.subarray(this.#from + this.#names.length, this.#to);
  }
}

/**
 * An answer of the backend → events. Steps that repeat keep what was written last; a vector shorter than its header is no event.
 * Copies the floats, so that the answer's buffer can go.
 */
export function toEvents(answer: Answer, names: readonly string[]): Event[] {
  const { steps, values, wallTimes } = answer;
  const order = steps.map((_, i) => i).filter((i) => (values[i]?.length ?? -1) >= names.length);
  order.sort((a, b) => steps[a]! - steps[b]! || a - b);
  const last = order.filter((i, at) => steps[i] !== steps[order[at + 1]!]);
  const floats = new Float32Array(last.reduce((sum, i) => sum + values[i]!.length, 0));
  let end = 0;
  return last.map((i) => {
    const from = end;
    floats.set(values[i]!, from);
    end += values[i]!.length;
    return new PartEvent(steps[i]!, wallTimes[i] ?? Number.NaN, floats, [from, end], names);
  });
}

/** Index of the step nearest to the one asked for, the earlier of two; −1 where there is none. */
export function nearest(steps: readonly number[], step: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && step - steps[low - 1]! <= steps[low]! - step) return low - 1;
  return low < steps.length ? low : -1;
}

export function nearestEvent(events: readonly Event[], step: number | null): Event | undefined {
  if (step === null) return events[events.length - 1];
  return events[
    nearest(
      events.map((event) => event.step),
      step,
    )
  ];
}
