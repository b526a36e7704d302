// The events of one series in ascending order of their steps, each with its header scalars by name and its data.

import type { Answer } from "./protocol.ts";

export interface Event {
  readonly step: number;
  readonly wallTime: number;
  /** A header scalar; NaN where it could not be measured or has another name. */
  head(name: string): number;
  readonly data: Float32Array;
}

class VectorEvent implements Event {
  readonly #vector: Float32Array;
  readonly #names: readonly string[];

  constructor(
    readonly step: number,
    readonly wallTime: number,
    vector: Float32Array,
    names: readonly string[],
  ) {
    this.#vector = vector;
    this.#names = names;
  }

  head(name: string): number {
    const at = this.#names.indexOf(name);
    return at < 0 ? Number.NaN : (this.#vector[at] ?? Number.NaN);
  }

  get data(): Float32Array {
    return this.#vector.subarray(this.#names.length);
  }
}

/**
 * An answer of the backend → events. Steps that repeat keep what was written last; a vector shorter than its header is no event.
 * Copies the floats, so that the answer's buffer can go.
 */
export function toEvents(answer: Answer, names: readonly string[]): Event[] {
  const order = answer.steps.map((_, i) => i).filter((i) => (answer.values[i]?.length ?? -1) >= names.length);
  order.sort((a, b) => answer.steps[a]! - answer.steps[b]! || a - b);
  const last = order.filter((i, at) => answer.steps[i] !== answer.steps[order[at + 1]!]);
  return last.map(
    (i) => new VectorEvent(answer.steps[i]!, answer.wallTimes[i] ?? Number.NaN, answer.values[i]!.slice(), names),
  );
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
