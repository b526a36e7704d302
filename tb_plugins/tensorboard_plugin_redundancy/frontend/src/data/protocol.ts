// What the backend answers → typed values. GET tags is JSON; POST batch is binary, little-endian:
//   "TFRD" · uint32 version · uint32 length of the header · JSON header, padded to 4 bytes · float32 payload.

export interface TagInfo {
  readonly kind: string;
  readonly layer: string;
  readonly shape: readonly [units: number, fanIn: number] | null;
  readonly header: readonly string[];
  readonly order: number | null; // of the layer in the network, where it is known
  readonly steps: number;
  readonly maxStep: number;
  readonly supported: boolean;
  readonly reason: string | null;
}

export interface ScalarInfo {
  readonly steps: number;
  readonly maxStep: number;
}

export interface Tags {
  readonly runs: ReadonlyMap<string, ReadonlyMap<string, TagInfo>>;
  readonly scalars: ReadonlyMap<string, ReadonlyMap<string, ScalarInfo>>;
}

/** One series of a batch: `values[i]` holds the float32 of `steps[i]`, header scalars first. */
export interface Answer {
  readonly run: string;
  readonly tag: string;
  readonly steps: readonly number[];
  readonly wallTimes: readonly number[];
  readonly values: readonly Float32Array[];
  readonly error: string | null;
}

export interface Batch {
  readonly series: readonly Answer[];
  readonly next: number | null; // index of the first series that was not answered
}

const MAGIC = "TFRD";
const VERSION = 1;

type Fields = Record<string, unknown>;

/** Steps may be NaN for a series without events: JSON has no word for that but null. */
function number(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function shape(value: unknown): readonly [number, number] | null {
  return Array.isArray(value) && value.length === 2 ? [number(value[0]), number(value[1])] : null;
}

function tagInfo(fields: Fields): TagInfo {
  return {
    kind: text(fields["kind"]),
    layer: text(fields["layer"]),
    shape: shape(fields["shape"]),
    header: Array.isArray(fields["header"]) ? fields["header"].map(text) : [],
    order: typeof fields["order"] === "number" ? fields["order"] : null,
    steps: number(fields["steps"]),
    maxStep: number(fields["maxStep"]),
    supported: fields["supported"] === true,
    reason: typeof fields["reason"] === "string" ? fields["reason"] : null,
  };
}

function scalarInfo(fields: Fields): ScalarInfo {
  return { steps: number(fields["steps"]), maxStep: number(fields["maxStep"]) };
}

/** {run: {tag: fields}} → maps, so that no name is a property of an object. */
function nested<T>(value: unknown, read: (fields: Fields) => T): Map<string, Map<string, T>> {
  const runs = Object.entries((value ?? {}) as Record<string, Record<string, Fields>>);
  return new Map(
    runs.map(([run, tags]) => [run, new Map(Object.entries(tags).map(([tag, fields]) => [tag, read(fields)]))]),
  );
}

export function parseTags(json: unknown): Tags {
  const fields = json as Fields;
  if (fields?.["version"] !== VERSION) {
    throw new Error(
      `The page reads version ${VERSION} of the list of tags. Received: version ${String(fields?.["version"])}`,
    );
  }
  return { runs: nested(fields["runs"], tagInfo), scalars: nested(fields["scalars"], scalarInfo) };
}

interface SeriesHeader {
  run: string;
  tag: string;
  steps?: number[];
  wallTimes?: number[];
  lengths?: number[];
  offset?: number;
  error?: string | null;
}

export function decodeBatch(buffer: ArrayBuffer): Batch {
  const view = new DataView(buffer);
  if (buffer.byteLength < 12 || new TextDecoder().decode(buffer.slice(0, 4)) !== MAGIC) {
    throw new Error(`A batch begins with ${MAGIC}. Received: ${buffer.byteLength} bytes of something else`);
  }
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    throw new Error(`The page reads version ${VERSION} of a batch. Received: version ${version}`);
  const length = view.getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, length))) as {
    series: SeriesHeader[];
    next: number | null;
  };
  const payload = 4 * Math.ceil((12 + length) / 4);
  return { series: header.series.map((each) => answer(buffer, payload, each)), next: header.next ?? null };
}

function answer(buffer: ArrayBuffer, payload: number, header: SeriesHeader): Answer {
  const steps = header.steps ?? [];
  const lengths = header.lengths ?? [];
  let at = payload + (header.offset ?? 0);
  const values = lengths.map((length) => {
    const floats = new Float32Array(buffer, at, length);
    at += 4 * length;
    return floats;
  });
  const { run, tag } = header;
  return { run, tag, steps, wallTimes: header.wallTimes ?? [], values, error: header.error ?? null };
}

/** Names may hold any character: a key is the only place where a run and a tag meet. */
export function keyOf(run: string, tag: string): string {
  return JSON.stringify([run, tag]);
}

export function fromKey(key: string): [run: string, tag: string] {
  return JSON.parse(key) as [string, string];
}
