// Which runs are shown, and in which colour. Selection is shared with Scalars, which keeps {run: boolean} for runs somebody touched.

export const MOST_BY_DEFAULT = 40; // as Scalars: beyond it nothing is selected until somebody does
export const SHOWN_OF_MANY = 8;

/** The runs to show: as selected; of more than 40 runs that nobody touched, the first eight. */
export function selected(runs: readonly string[], selection: ReadonlyMap<string, boolean>): string[] {
  const many = runs.length > MOST_BY_DEFAULT;
  const touched = runs.some((run) => selection.has(run));
  return runs.filter((run, i) => selection.get(run) ?? (many ? !touched && i < SHOWN_OF_MANY : true));
}

/** Colour indices by TensorBoard's order of all runs; a run that it does not name yet comes behind. */
export function colours(all: readonly string[], runs: readonly string[]): ReadonlyMap<string, number> {
  const order = [...new Set([...all, ...runs])];
  return new Map(order.map((run, i) => [run, i]));
}
