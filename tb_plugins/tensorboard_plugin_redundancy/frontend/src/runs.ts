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

/** What tells runs apart: their names without the folders that all of them lie in. */
export function runNames(runs: readonly string[]): ReadonlyMap<string, string> {
  const folders = runs.map((run) => run.split("/").slice(0, -1));
  const shallow = runs.length > 1 ? Math.min(...folders.map(({ length }) => length)) : 0;
  let shared = 0;
  while (shared < shallow && folders.every((each) => each[shared] === folders[0]![shared])) shared++;
  return new Map(runs.map((run) => [run, run.split("/").slice(shared).join("/") || "."]));
}

/** A long name without its middle, or its beginning: runs differ at their end. */
export function clipped(name: string, head: number, tail: number): string {
  const letters = [...name];
  if (letters.length <= head + tail + 1) return name;
  return `${letters.slice(0, head).join("")}…${letters.slice(-tail).join("")}`;
}
