// sources sha256 c31281270f0a16bbd4ac8b92858875fee1d1f33f7c91e01740e7d0478b95caf7

// src/data/catalogue.ts
var Catalogue = class {
  runs;
  layers;
  unreadable;
  #found = /* @__PURE__ */ new Map();
  // layer → kind → run
  #scalars;
  constructor(tags) {
    this.runs = [...tags.runs.keys()];
    this.#scalars = tags.scalars;
    const unreadable = [];
    for (const [run, found] of tags.runs) {
      for (const [tag, info2] of found) {
        if (!info2.supported) unreadable.push({ run, tag, info: info2, reason: info2.reason ?? "it can not be read" });
        if (info2.layer) this.#add({ run, tag, info: info2 });
      }
    }
    this.unreadable = unreadable;
    this.layers = inOrder(tags, this.#found);
  }
  #add(found) {
    const { layer, kind } = found.info;
    const kinds = this.#found.get(layer) ?? /* @__PURE__ */ new Map();
    const runs = kinds.get(kind) ?? /* @__PURE__ */ new Map();
    this.#found.set(layer, kinds.set(kind, runs.set(found.run, found)));
  }
  find(layer, kind, run) {
    return this.#found.get(layer)?.get(kind)?.get(run);
  }
  /** Layers of which one of the runs has series. */
  having(runs) {
    const has = (kinds) => [...kinds.values()].some((found) => runs.some((run) => found.has(run)));
    return this.layers.filter((layer) => has(this.#found.get(layer)));
  }
  hasScalar(run, tag) {
    return this.#scalars.get(run)?.has(tag) ?? false;
  }
  scalarStep(run, tag) {
    return this.#scalars.get(run)?.get(tag)?.maxStep ?? Number.NaN;
  }
};
function inOrder(tags, layers) {
  const places = /* @__PURE__ */ new Map();
  for (const found of tags.runs.values()) {
    for (const { layer, order } of found.values()) if (order !== null && !places.has(layer)) places.set(layer, order);
  }
  const place2 = (layer) => places.get(layer) ?? Number.POSITIVE_INFINITY;
  return [...layers.keys()].sort((a, b) => place2(a) === place2(b) ? 0 : place2(a) - place2(b));
}

// src/data/protocol.ts
var MAGIC = "TFRD";
var VERSION = 1;
function number(value2) {
  return typeof value2 === "number" ? value2 : Number.NaN;
}
function text(value2) {
  return typeof value2 === "string" ? value2 : "";
}
function shape(value2) {
  return Array.isArray(value2) && value2.length === 2 ? [number(value2[0]), number(value2[1])] : null;
}
function tagInfo(fields) {
  return {
    kind: text(fields["kind"]),
    layer: text(fields["layer"]),
    shape: shape(fields["shape"]),
    header: Array.isArray(fields["header"]) ? fields["header"].map(text) : [],
    order: typeof fields["order"] === "number" ? fields["order"] : null,
    steps: number(fields["steps"]),
    maxStep: number(fields["maxStep"]),
    supported: fields["supported"] === true,
    reason: typeof fields["reason"] === "string" ? fields["reason"] : null
  };
}
function scalarInfo(fields) {
  return { steps: number(fields["steps"]), maxStep: number(fields["maxStep"]) };
}
function nested(value2, read2) {
  const runs = Object.entries(value2 ?? {});
  return new Map(
    runs.map(([run, tags]) => [run, new Map(Object.entries(tags).map(([tag, fields]) => [tag, read2(fields)]))])
  );
}
function parseTags(json) {
  const fields = json;
  if (fields?.["version"] !== VERSION) {
    throw new Error(
      `The page reads version ${VERSION} of the list of tags. Received: version ${String(fields?.["version"])}`
    );
  }
  return { runs: nested(fields["runs"], tagInfo), scalars: nested(fields["scalars"], scalarInfo) };
}
function decodeBatch(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 12 || new TextDecoder().decode(buffer.slice(0, 4)) !== MAGIC) {
    throw new Error(`A batch begins with ${MAGIC}. Received: ${buffer.byteLength} bytes of something else`);
  }
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    throw new Error(`The page reads version ${VERSION} of a batch. Received: version ${version}`);
  const length = view.getUint32(8, true);
  const header2 = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, length)));
  const payload = 4 * Math.ceil((12 + length) / 4);
  return { series: header2.series.map((each) => answer(buffer, payload, each)), next: header2.next ?? null };
}
function answer(buffer, payload, header2) {
  const steps2 = header2.steps ?? [];
  const lengths = header2.lengths ?? [];
  let at2 = payload + (header2.offset ?? 0);
  const values = lengths.map((length) => {
    const floats = new Float32Array(buffer, at2, length);
    at2 += 4 * length;
    return floats;
  });
  const { run, tag } = header2;
  return { run, tag, steps: steps2, wallTimes: header2.wallTimes ?? [], values, error: header2.error ?? null };
}
function keyOf(run, tag) {
  return JSON.stringify([run, tag]);
}
function fromKey(key) {
  return JSON.parse(key);
}

// src/data/client.ts
var Client = class {
  #etag = null;
  /** The list of tags, null where it is the same as last time. */
  async tags() {
    const headers = this.#etag ? { "If-None-Match": this.#etag } : {};
    const response = await fetch("./tags", { headers, cache: "no-store" });
    if (response.status === 304) return null;
    await check(response);
    this.#etag = response.headers.get("ETag");
    return parseTags(await response.json());
  }
  async batch(series, steps2, scalars) {
    const body = JSON.stringify({ series, steps: steps2, scalars });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("./batch", { method: "POST", headers, body });
    await check(response);
    return decodeBatch(await response.arrayBuffer());
  }
};
function exportUrl(run, tag, format2) {
  return `./export?${new URLSearchParams({ run, tag, format: format2 })}`;
}
async function check(response) {
  if (!response.ok)
    throw new Error(`TensorBoard answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
}

// src/data/series.ts
var PartEvent = class {
  constructor(step, wallTime, floats, [from, to], names) {
    this.step = step;
    this.wallTime = wallTime;
    this.#floats = floats;
    this.#from = from;
    this.#to = to;
    this.#names = names;
  }
  step;
  wallTime;
  #floats;
  #from;
  #to;
  #names;
  head(name) {
    const at2 = this.#names.indexOf(name);
    return at2 < 0 ? Number.NaN : this.#floats[this.#from + at2];
  }
  get data() {
    return this.#floats.subarray(this.#from + this.#names.length, this.#to);
  }
};
function toEvents(answer2, names) {
  const { steps: steps2, values, wallTimes } = answer2;
  const order = steps2.map((_, i) => i).filter((i) => (values[i]?.length ?? -1) >= names.length);
  order.sort((a, b) => steps2[a] - steps2[b] || a - b);
  const last = order.filter((i, at2) => steps2[i] !== steps2[order[at2 + 1]]);
  const floats = new Float32Array(last.reduce((sum, i) => sum + values[i].length, 0));
  let end = 0;
  return last.map((i) => {
    const from = end;
    floats.set(values[i], from);
    end += values[i].length;
    return new PartEvent(steps2[i], wallTimes[i] ?? Number.NaN, floats, [from, end], names);
  });
}
function nearest(steps2, step) {
  let low = 0;
  let high = steps2.length - 1;
  while (low < high) {
    const middle = low + high >> 1;
    if (steps2[middle] < step) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && step - steps2[low - 1] <= steps2[low] - step) return low - 1;
  return low < steps2.length ? low : -1;
}
function nearestEvent(events, step) {
  if (step === null) return events[events.length - 1];
  return events[nearest(
    events.map((event) => event.step),
    step
  )];
}

// src/maths/trust.ts
var LEAST_P = 0.1;
var LEAST_TAIL = 50;
var DEVIATIONS = 2;
function alphaSd(tail3) {
  return (tail3.alpha - 1) / Math.sqrt(tail3.count);
}
function trust(tail3) {
  if (!Number.isFinite(tail3.alpha)) return { trusted: false, reasons: ["no tail was fitted"] };
  const reasons = [];
  if (Number.isNaN(tail3.p)) reasons.push("its bootstrap p was not recorded");
  else if (tail3.p < LEAST_P) reasons.push(`p = ${tail3.p.toFixed(2)} < ${LEAST_P}: no power law`);
  if (!(tail3.count >= LEAST_TAIL)) reasons.push(`only ${tail3.count} eigenvalues in the tail, fewer than ${LEAST_TAIL}`);
  if (Math.abs(tail3.alpha - tail3.noise) < DEVIATIONS * alphaSd(tail3)) {
    reasons.push(
      `noise of the same shape gives alpha ${tail3.noise.toFixed(2)}, within ${DEVIATIONS} standard deviations`
    );
  }
  return { trusted: reasons.length === 0, reasons };
}

// src/data/spectrum.ts
var TOP = 64;
function tailOf(event) {
  return {
    alpha: event.head("alpha"),
    p: event.head("alpha_p"),
    noise: event.head("alpha_noise"),
    count: event.head("n_tail"),
    xmin: event.head("xmin"),
    ks: event.head("ks")
  };
}
function readSpectrum(event) {
  const all = event.data;
  const values = all.every(Number.isFinite) ? all : all.filter(Number.isFinite);
  const total2 = Number.isFinite(event.head("n_total")) ? event.head("n_total") : values.length;
  return {
    values,
    weights: weights(values.length, total2),
    total: total2,
    zeros: event.head("n_zero"),
    q: event.head("q"),
    sigma2: event.head("sigma2"),
    bulkEdge: event.head("bulk_edge"),
    spikes: event.head("spikes"),
    tail: tailOf(event),
    nonfinite: all.length - values.length
  };
}
var known = /* @__PURE__ */ new Map();
function weights(stored, total2) {
  const key = `${stored} ${total2}`;
  const found = known.get(key) ?? new Float32Array(stored).fill(1);
  if (!known.has(key)) {
    const quantiles = stored - TOP;
    if (total2 > stored && quantiles > 0) found.fill((total2 - TOP) / quantiles, 0, quantiles);
    if (known.size > 1e3) known.clear();
    known.set(key, found);
  }
  return found;
}
function largest(spectrum2) {
  return spectrum2.values.length ? spectrum2.values[spectrum2.values.length - 1] : Number.NaN;
}
function edgeExcess(spectrum2) {
  return largest(spectrum2) / spectrum2.bulkEdge;
}

// src/data/metrics.ts
var METRICS = [
  {
    id: "alpha",
    title: "alpha",
    meaning: "exponent of the power law fitted to the tail; in brackets where the fit is not trustworthy",
    scalar: null,
    kind: "esd",
    plain: "alpha",
    value: (event) => event.head("alpha")
  },
  {
    id: "stable_rank",
    title: "stable rank",
    meaning: "‖W‖²F / ‖W‖²₂",
    scalar: "stable_rank",
    kind: null,
    value: () => Number.NaN
  },
  {
    id: "spikes",
    title: "spikes",
    meaning: "eigenvalues above the bulk edge",
    scalar: null,
    kind: "esd",
    plain: "spikes",
    value: (event) => event.head("spikes")
  },
  {
    id: "excess",
    title: "λmax / edge",
    meaning: "bulk edge excess: largest eigenvalue over the bulk edge of noise; above 1 there are spikes",
    scalar: null,
    kind: "esd",
    value: (event) => event.data.length ? event.data[event.data.length - 1] / event.head("bulk_edge") : Number.NaN
  },
  {
    id: "frame_excess",
    title: "frame excess",
    meaning: "frame potential of the units, 0 at its least and 1 at its greatest value",
    scalar: "frame_excess",
    kind: null,
    value: () => Number.NaN
  },
  {
    id: "clusters",
    title: "clusters",
    meaning: "groups of directions within 45°",
    scalar: "clusters",
    kind: null,
    value: () => Number.NaN
  },
  {
    id: "mean_angle",
    title: "mean angle",
    meaning: "mean angle of the units to their cluster centre, in degrees",
    scalar: "mean_angle",
    kind: "angles",
    value: (event) => event.head("mean")
  },
  {
    id: "kept",
    title: "kept units",
    meaning: "units that no mask prunes",
    scalar: null,
    kind: "mask",
    value: (event) => event.head("kept")
  }
];
function metricOf(id) {
  return METRICS.find((metric2) => metric2.id === id) ?? METRICS[0];
}
function believable(event) {
  return trust(tailOf(event)).trusted;
}

// src/data/columns.ts
function columnsOf(kind, events, complete) {
  const steps2 = events.map(({ step }) => step);
  const found = /* @__PURE__ */ new Map();
  for (const metric2 of METRICS.filter(
    (each) => kind === "scalar" ? each.scalar ?? each.plain : each.kind === kind
  )) {
    const values = Float64Array.from(events, (event) => kind === "scalar" ? event.data[0] : metric2.value(event));
    const trusted = metric2.id === "alpha" && kind === "esd" ? events.map(believable) : null;
    found.set(metric2.id, { steps: steps2, values, believable: trusted, complete });
  }
  if (!found.size) found.set("", { steps: steps2, values: new Float64Array(steps2.length), believable: null, complete });
  return found;
}

// src/data/store.ts
var BUDGET = 48e6;
var AT_ONCE = { all: 40, last: 128, scalar: 256 };
var REQUESTS = 2;
var Store = class {
  #client;
  #changed;
  #entries = /* @__PURE__ */ new Map();
  #columns = /* @__PURE__ */ new Map();
  #used = /* @__PURE__ */ new Map();
  #queue = [];
  #flying = /* @__PURE__ */ new Set();
  #requests = 0;
  #clock = 0;
  #version = 0;
  failure = null;
  constructor(client, changed) {
    this.#client = client;
    this.#changed = changed;
  }
  get version() {
    return this.#version;
  }
  get waiting() {
    return this.#queue.length + this.#flying.size;
  }
  get entries() {
    return this.#entries;
  }
  entry(run, tag) {
    return this.#entries.get(keyOf(run, tag));
  }
  /** Values of a metric of the overview, whether or not the series itself is still held. */
  column(run, tag, metric2) {
    return this.#columns.get(keyOf(run, tag))?.get(metric2);
  }
  /** What is wanted now, most urgent first; earlier plans that are not under way are dropped. */
  plan(wants) {
    this.#clock++;
    const seen = /* @__PURE__ */ new Set();
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
  #satisfied(key, want) {
    const entry = this.#entries.get(key);
    if (!entry) return want.steps === "last" && this.#columns.has(key);
    return (entry.steps === "all" || want.steps === "last") && !(want.maxStep > entry.maxStep);
  }
  #pump() {
    while (this.#requests < REQUESTS && this.#queue.length && !this.failure) {
      const { scalar, steps: steps2 } = this.#queue[0];
      const group = [];
      const rest = [];
      const most2 = scalar ? AT_ONCE.scalar : AT_ONCE[steps2];
      for (const want of this.#queue) {
        const fits = group.length < most2 && want.scalar === scalar && want.steps === steps2;
        (fits ? group : rest).push(want);
      }
      this.#queue = rest;
      void this.#load(group, steps2, scalar);
    }
  }
  async #load(group, steps2, scalar) {
    const ids = group.map((want) => `${keyOf(want.run, want.tag)} ${steps2}`);
    ids.forEach((id) => this.#flying.add(id));
    this.#requests++;
    try {
      const pairs = group.map(({ run, tag }) => [run, tag]);
      const { series, next } = await this.#client.batch(pairs, steps2, scalar);
      series.forEach((answer2, i) => this.#keep(group[i], answer2));
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
  #keep(want, answer2) {
    const key = keyOf(want.run, want.tag);
    const events = toEvents(answer2, want.header);
    const bytes = answer2.values.reduce((sum, values) => sum + 4 * values.length + 120, 0);
    const { steps: steps2, maxStep } = want;
    const known2 = this.#entries.get(key);
    if (steps2 === "last" && known2?.steps === "all" && known2.maxStep >= maxStep) return;
    const held = want.scalar ? { events: [], bytes: 0 } : { events, bytes };
    this.#entries.set(key, { ...held, steps: steps2, maxStep, error: answer2.error, version: ++this.#version });
    this.#columns.set(key, columnsOf(want.kind, events, steps2 === "all"));
  }
  #evict() {
    let held = 0;
    for (const { bytes } of this.#entries.values()) held += bytes;
    if (held <= BUDGET) return;
    const oldest = [...this.#entries.keys()].sort((a, b) => (this.#used.get(a) ?? 0) - (this.#used.get(b) ?? 0));
    for (const key of oldest) {
      if (held <= BUDGET || this.#used.get(key) === this.#clock) return;
      held -= this.#entries.get(key).bytes;
      this.#entries.delete(key);
    }
  }
  /** All steps that the runs have in what is loaded, ascending. */
  steps(runs) {
    const found = /* @__PURE__ */ new Set();
    for (const [key, columns] of this.#columns) {
      const any = columns.values().next().value;
      if (any && runs.has(fromKey(key)[0])) for (const step of any.steps) found.add(step);
    }
    return [...found].sort((a, b) => a - b);
  }
};

// node_modules/d3-format/dist/d3-format.mjs
function formatDecimal(x2) {
  return Math.abs(x2 = Math.round(x2)) >= 1e21 ? x2.toLocaleString("en").replace(/,/g, "") : x2.toString(10);
}
function formatDecimalParts(x2, p) {
  if (!isFinite(x2) || x2 === 0) return null;
  var i = (x2 = p ? x2.toExponential(p - 1) : x2.toExponential()).indexOf("e"), coefficient = x2.slice(0, i);
  return [
    coefficient.length > 1 ? coefficient[0] + coefficient.slice(2) : coefficient,
    +x2.slice(i + 1)
  ];
}
function exponent(x2) {
  return x2 = formatDecimalParts(Math.abs(x2)), x2 ? x2[1] : NaN;
}
function formatGroup(grouping, thousands) {
  return function(value2, width2) {
    var i = value2.length, t = [], j = 0, g = grouping[0], length = 0;
    while (i > 0 && g > 0) {
      if (length + g + 1 > width2) g = Math.max(1, width2 - length);
      t.push(value2.substring(i -= g, i + g));
      if ((length += g + 1) > width2) break;
      g = grouping[j = (j + 1) % grouping.length];
    }
    return t.reverse().join(thousands);
  };
}
function formatNumerals(numerals) {
  return function(value2) {
    return value2.replace(/[0-9]/g, function(i) {
      return numerals[+i];
    });
  };
}
var re = /^(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([a-z%])?$/i;
function formatSpecifier(specifier) {
  if (!(match = re.exec(specifier))) throw new Error("invalid format: " + specifier);
  var match;
  return new FormatSpecifier({
    fill: match[1],
    align: match[2],
    sign: match[3],
    symbol: match[4],
    zero: match[5],
    width: match[6],
    comma: match[7],
    precision: match[8] && match[8].slice(1),
    trim: match[9],
    type: match[10]
  });
}
formatSpecifier.prototype = FormatSpecifier.prototype;
function FormatSpecifier(specifier) {
  this.fill = specifier.fill === void 0 ? " " : specifier.fill + "";
  this.align = specifier.align === void 0 ? ">" : specifier.align + "";
  this.sign = specifier.sign === void 0 ? "-" : specifier.sign + "";
  this.symbol = specifier.symbol === void 0 ? "" : specifier.symbol + "";
  this.zero = !!specifier.zero;
  this.width = specifier.width === void 0 ? void 0 : +specifier.width;
  this.comma = !!specifier.comma;
  this.precision = specifier.precision === void 0 ? void 0 : +specifier.precision;
  this.trim = !!specifier.trim;
  this.type = specifier.type === void 0 ? "" : specifier.type + "";
}
FormatSpecifier.prototype.toString = function() {
  return this.fill + this.align + this.sign + this.symbol + (this.zero ? "0" : "") + (this.width === void 0 ? "" : Math.max(1, this.width | 0)) + (this.comma ? "," : "") + (this.precision === void 0 ? "" : "." + Math.max(0, this.precision | 0)) + (this.trim ? "~" : "") + this.type;
};
function formatTrim(s) {
  out: for (var n = s.length, i = 1, i0 = -1, i1; i < n; ++i) {
    switch (s[i]) {
      case ".":
        i0 = i1 = i;
        break;
      case "0":
        if (i0 === 0) i0 = i;
        i1 = i;
        break;
      default:
        if (!+s[i]) break out;
        if (i0 > 0) i0 = 0;
        break;
    }
  }
  return i0 > 0 ? s.slice(0, i0) + s.slice(i1 + 1) : s;
}
var prefixExponent;
function formatPrefixAuto(x2, p) {
  var d = formatDecimalParts(x2, p);
  if (!d) return prefixExponent = void 0, x2.toPrecision(p);
  var coefficient = d[0], exponent2 = d[1], i = exponent2 - (prefixExponent = Math.max(-8, Math.min(8, Math.floor(exponent2 / 3))) * 3) + 1, n = coefficient.length;
  return i === n ? coefficient : i > n ? coefficient + new Array(i - n + 1).join("0") : i > 0 ? coefficient.slice(0, i) + "." + coefficient.slice(i) : "0." + new Array(1 - i).join("0") + formatDecimalParts(x2, Math.max(0, p + i - 1))[0];
}
function formatRounded(x2, p) {
  var d = formatDecimalParts(x2, p);
  if (!d) return x2 + "";
  var coefficient = d[0], exponent2 = d[1];
  return exponent2 < 0 ? "0." + new Array(-exponent2).join("0") + coefficient : coefficient.length > exponent2 + 1 ? coefficient.slice(0, exponent2 + 1) + "." + coefficient.slice(exponent2 + 1) : coefficient + new Array(exponent2 - coefficient.length + 2).join("0");
}
var formatTypes = {
  "%": (x2, p) => (x2 * 100).toFixed(p),
  "b": (x2) => Math.round(x2).toString(2),
  "c": (x2) => x2 + "",
  "d": formatDecimal,
  "e": (x2, p) => x2.toExponential(p),
  "f": (x2, p) => x2.toFixed(p),
  "g": (x2, p) => x2.toPrecision(p),
  "o": (x2) => Math.round(x2).toString(8),
  "p": (x2, p) => formatRounded(x2 * 100, p),
  "r": formatRounded,
  "s": formatPrefixAuto,
  "X": (x2) => Math.round(x2).toString(16).toUpperCase(),
  "x": (x2) => Math.round(x2).toString(16)
};
function identity(x2) {
  return x2;
}
var map = Array.prototype.map;
var prefixes = ["y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
function formatLocale(locale2) {
  var group = locale2.grouping === void 0 || locale2.thousands === void 0 ? identity : formatGroup(map.call(locale2.grouping, Number), locale2.thousands + ""), currencyPrefix = locale2.currency === void 0 ? "" : locale2.currency[0] + "", currencySuffix = locale2.currency === void 0 ? "" : locale2.currency[1] + "", decimal = locale2.decimal === void 0 ? "." : locale2.decimal + "", numerals = locale2.numerals === void 0 ? identity : formatNumerals(map.call(locale2.numerals, String)), percent = locale2.percent === void 0 ? "%" : locale2.percent + "", minus = locale2.minus === void 0 ? "−" : locale2.minus + "", nan = locale2.nan === void 0 ? "NaN" : locale2.nan + "";
  function newFormat(specifier, options) {
    specifier = formatSpecifier(specifier);
    var fill = specifier.fill, align = specifier.align, sign = specifier.sign, symbol = specifier.symbol, zero3 = specifier.zero, width2 = specifier.width, comma = specifier.comma, precision = specifier.precision, trim = specifier.trim, type = specifier.type;
    if (type === "n") comma = true, type = "g";
    else if (!formatTypes[type]) precision === void 0 && (precision = 12), trim = true, type = "g";
    if (zero3 || fill === "0" && align === "=") zero3 = true, fill = "0", align = "=";
    var prefix = (options && options.prefix !== void 0 ? options.prefix : "") + (symbol === "$" ? currencyPrefix : symbol === "#" && /[boxX]/.test(type) ? "0" + type.toLowerCase() : ""), suffix = (symbol === "$" ? currencySuffix : /[%p]/.test(type) ? percent : "") + (options && options.suffix !== void 0 ? options.suffix : "");
    var formatType = formatTypes[type], maybeSuffix = /[defgprs%]/.test(type);
    precision = precision === void 0 ? 6 : /[gprs]/.test(type) ? Math.max(1, Math.min(21, precision)) : Math.max(0, Math.min(20, precision));
    function format2(value2) {
      var valuePrefix = prefix, valueSuffix = suffix, i, n, c;
      if (type === "c") {
        valueSuffix = formatType(value2) + valueSuffix;
        value2 = "";
      } else {
        value2 = +value2;
        var valueNegative = value2 < 0 || 1 / value2 < 0;
        value2 = isNaN(value2) ? nan : formatType(Math.abs(value2), precision);
        if (trim) value2 = formatTrim(value2);
        if (valueNegative && +value2 === 0 && sign !== "+") valueNegative = false;
        valuePrefix = (valueNegative ? sign === "(" ? sign : minus : sign === "-" || sign === "(" ? "" : sign) + valuePrefix;
        valueSuffix = (type === "s" && !isNaN(value2) && prefixExponent !== void 0 ? prefixes[8 + prefixExponent / 3] : "") + valueSuffix + (valueNegative && sign === "(" ? ")" : "");
        if (maybeSuffix) {
          i = -1, n = value2.length;
          while (++i < n) {
            if (c = value2.charCodeAt(i), 48 > c || c > 57) {
              valueSuffix = (c === 46 ? decimal + value2.slice(i + 1) : value2.slice(i)) + valueSuffix;
              value2 = value2.slice(0, i);
              break;
            }
          }
        }
      }
      if (comma && !zero3) value2 = group(value2, Infinity);
      var length = valuePrefix.length + value2.length + valueSuffix.length, padding = length < width2 ? new Array(width2 - length + 1).join(fill) : "";
      if (comma && zero3) value2 = group(padding + value2, padding.length ? width2 - valueSuffix.length : Infinity), padding = "";
      switch (align) {
        case "<":
          value2 = valuePrefix + value2 + valueSuffix + padding;
          break;
        case "=":
          value2 = valuePrefix + padding + value2 + valueSuffix;
          break;
        case "^":
          value2 = padding.slice(0, length = padding.length >> 1) + valuePrefix + value2 + valueSuffix + padding.slice(length);
          break;
        default:
          value2 = padding + valuePrefix + value2 + valueSuffix;
          break;
      }
      return numerals(value2);
    }
    format2.toString = function() {
      return specifier + "";
    };
    return format2;
  }
  function formatPrefix2(specifier, value2) {
    var e = Math.max(-8, Math.min(8, Math.floor(exponent(value2) / 3))) * 3, k = Math.pow(10, -e), f = newFormat((specifier = formatSpecifier(specifier), specifier.type = "f", specifier), { suffix: prefixes[8 + e / 3] });
    return function(value3) {
      return f(k * value3);
    };
  }
  return {
    format: newFormat,
    formatPrefix: formatPrefix2
  };
}
var locale;
var format;
var formatPrefix;
defaultLocale({
  thousands: ",",
  grouping: [3],
  currency: ["$", ""]
});
function defaultLocale(definition) {
  locale = formatLocale(definition);
  format = locale.format;
  formatPrefix = locale.formatPrefix;
  return locale;
}
function precisionFixed(step) {
  return Math.max(0, -exponent(Math.abs(step)));
}
function precisionPrefix(step, value2) {
  return Math.max(0, Math.max(-8, Math.min(8, Math.floor(exponent(value2) / 3))) * 3 - exponent(Math.abs(step)));
}
function precisionRound(step, max) {
  step = Math.abs(step), max = Math.abs(max) - step;
  return Math.max(0, exponent(max) - exponent(step)) + 1;
}

// src/maths/format.ts
var fixed = format(".4~r");
var scientific = format(".3~e");
var grouped = format(",");
function short(value2) {
  if (Number.isNaN(value2)) return "NaN";
  if (!Number.isFinite(value2)) return value2 > 0 ? "∞" : "−∞";
  if (value2 === 0) return "0";
  const size = Math.abs(value2);
  if (Number.isInteger(value2) && size < 1e6) return integer(value2);
  return (size < 1e-3 || size >= 1e6 ? scientific(value2) : fixed(value2)).replaceAll("-", "−");
}
function brief(value2) {
  return Number.isFinite(value2) && !Number.isInteger(value2) ? short(Number(value2.toPrecision(3))) : short(value2);
}
function integer(value2) {
  return (Number.isFinite(value2) ? grouped(Math.round(value2)) : short(value2)).replaceAll("-", "−");
}
var SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function superscript(power) {
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return power < 0 ? `⁻${digits}` : digits;
}
function signed(value2) {
  return value2 > 0 ? `+${brief(value2)}` : brief(value2);
}
function counted(count, one3, many = `${one3}s`) {
  return `${integer(count)} ${count === 1 ? one3 : many}`;
}

// src/plot/theme.ts
var RUNS = {
  light: ["#425066", "#12b5cb", "#e52592", "#f9ab00", "#9334e6", "#7cb342", "#e8710a"],
  dark: ["#8e98a3", "#12b5cb", "#e52592", "#f9ab00", "#9334e6", "#7cb342", "#e8710a"]
};
var CLUSTERS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8c8c8c"];
var ROLES = {
  light: { measured: "#0072b2", noise: "#b35900", tail: "#00785a", ghost: "#8a8f98", alert: "#b3261e" },
  dark: { measured: "#56b4e9", noise: "#f0a13c", tail: "#35c99a", ghost: "#9aa0a8", alert: "#ff8a80" }
};
var PAPER = {
  light: { background: "#ffffff", ink: "#202124", muted: "#5f6368", grid: "#e6e8eb" },
  dark: { background: "#303030", ink: "#f1f3f4", muted: "#b6bbc1", grid: "#474747" }
};
var CIVIDIS = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 180, 105],
  [225, 204, 85],
  [254, 232, 56]
];
var BELOW = [0, 114, 178];
var ABOVE = [213, 94, 0];
function theme(dark) {
  const name = dark ? "dark" : "light";
  const paper = PAPER[name];
  const middle = dark ? [66, 66, 66] : [245, 245, 245];
  return {
    dark,
    ...paper,
    colour: (ink) => colour(ink, name),
    sequential: (share) => between(CIVIDIS, share),
    diverging: (share) => between([BELOW, middle, ABOVE], (share + 1) / 2)
  };
}
function colour(ink, name) {
  const [role, number5] = ink.split(":");
  if (role === "run") return runColour(Number(number5), name === "dark");
  if (role === "cluster") return CLUSTERS[Number(number5) % CLUSTERS.length];
  if (role === "ink" || role === "muted") return PAPER[name][role];
  return ROLES[name][role];
}
function runColour(index, dark) {
  const colours2 = dark ? RUNS.dark : RUNS.light;
  return colours2[index % colours2.length];
}
function between(stops, share) {
  const place2 = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const at2 = Math.min(stops.length - 2, Math.floor(place2));
  const rest = place2 - at2;
  const mix = (i) => Math.round(stops[at2][i] + rest * (stops[at2 + 1][i] - stops[at2][i]));
  return [mix(0), mix(1), mix(2)];
}

// src/host.ts
var STATE = "p.redundancy.state";
var SELECTION = "runSelectionState";
var Host = class {
  #storage = storageOf();
  #own = location.hash.slice(1);
  readState() {
    return this.#storage ? this.#storage.getString(STATE) ?? "" : this.#own;
  }
  writeState(text2) {
    this.#own = text2;
    if (this.#storage) this.#storage.setString(STATE, text2, { defaultValue: "", useLocationReplace: true });
    else history.replaceState(null, "", `#${text2}`);
  }
  /** {run: whether it is selected} as Scalars keeps it; runs that nobody touched are absent. */
  readSelection() {
    return new Map(Object.entries(this.#storage?.getObject(SELECTION, { defaultValue: {} }) ?? {}));
  }
  writeSelection(selection) {
    const value2 = Object.fromEntries(selection);
    this.#storage?.setObject(SELECTION, value2, { defaultValue: {}, useLocationReplace: true });
  }
  onHash(listener) {
    if (this.#storage) this.#storage.addHashListener(listener);
    else window.addEventListener("hashchange", listener);
  }
  get address() {
    return (parentWindow() ?? window).location.href;
  }
  /** Calls back now and at every change. */
  onDark(listener) {
    const body = parentWindow()?.document.body;
    const tell = () => listener(body?.classList.contains("dark-mode") ?? false);
    if (body) new MutationObserver(tell).observe(body, { attributes: true, attributeFilter: ["class"] });
    tell();
  }
};
function parentWindow() {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null;
  }
}
function storageOf() {
  const host = parentWindow();
  const storage = host?.tensorboard?.tf_storage;
  const names = ["getString", "setString", "getObject", "setObject", "addHashListener"];
  return storage && names.every((name) => typeof storage[name] === "function") ? storage : null;
}
var Messages = class {
  #port;
  #replies = /* @__PURE__ */ new Map();
  #next = 0;
  constructor(on) {
    const channel = new MessageChannel();
    this.#port = channel.port1;
    this.#port.onmessage = (message) => this.#receive(JSON.parse(String(message.data)), on);
    window.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
    void this.#ask("experimental.GetRuns").then((runs) => Array.isArray(runs) && on.runs(runs));
  }
  #ask(type) {
    const id = this.#next++;
    this.#port.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: false }));
    return new Promise((resolve) => this.#replies.set(id, resolve));
  }
  #receive(message, on) {
    if (message.isReply) {
      this.#replies.get(message.id)?.(message.payload);
      this.#replies.delete(message.id);
      return;
    }
    if (message.type === "experimental.RunsChanged" && Array.isArray(message.payload))
      on.runs(message.payload);
    if (message.type === "experimental.DataReloaded") on.reloaded();
    this.#port.postMessage(JSON.stringify({ ...message, payload: null, error: null, isReply: true }));
  }
};

// src/runs.ts
var MOST_BY_DEFAULT = 40;
var SHOWN_OF_MANY = 8;
function selected(runs, selection) {
  const many = runs.length > MOST_BY_DEFAULT;
  const touched = runs.some((run) => selection.has(run));
  return runs.filter((run, i) => selection.get(run) ?? (many ? !touched && i < SHOWN_OF_MANY : true));
}
function colours(all, runs) {
  const order = [.../* @__PURE__ */ new Set([...all, ...runs])];
  return new Map(order.map((run, i) => [run, i]));
}
function runNames(runs) {
  const folders = runs.map((run) => run.split("/").slice(0, -1));
  const shallow = runs.length > 1 ? Math.min(...folders.map(({ length }) => length)) : 0;
  let shared = 0;
  while (shared < shallow && folders.every((each) => each[shared] === folders[0][shared])) shared++;
  return new Map(runs.map((run) => [run, run.split("/").slice(shared).join("/") || "."]));
}
function clipped(name, head, tail3) {
  const letters = [...name];
  if (letters.length <= head + tail3 + 1) return name;
  return `${letters.slice(0, head).join("")}…${letters.slice(-tail3).join("")}`;
}

// src/state.ts
var VIEWS = ["overview", "spectrum", "angles", "masks"];
var DEFAULTS = {
  view: "overview",
  layer: "",
  picture: "",
  metric: "alpha",
  sort: "",
  descending: true,
  runFilter: "",
  layerFilter: "",
  a: "",
  b: "",
  step: null,
  from: null,
  to: null,
  logX: true,
  logY: false,
  bins: 0,
  ghost: true,
  fixed: true,
  degrees: 2,
  threshold: 30
};
var NAMES = Object.keys(DEFAULTS);
function encode(state) {
  const found = new URLSearchParams();
  for (const name of NAMES) if (state[name] !== DEFAULTS[name]) found.set(name, String(state[name]));
  return found.toString();
}
function decode(text2) {
  const asked = new URLSearchParams(text2);
  const found = Object.fromEntries(NAMES.map((name) => [name, valueOf(name, asked.get(name))]));
  return found;
}
var RANGES = {
  bins: [0, 400],
  degrees: [1, 10],
  threshold: [0, 180]
};
function valueOf(name, text2) {
  const standard = DEFAULTS[name];
  if (text2 === null) return standard;
  if (name === "view") return VIEWS.find((view) => view === text2) ?? standard;
  if (typeof standard === "string") return text2;
  if (typeof standard === "boolean") return text2 === "true";
  const number5 = Number(text2);
  const [low, high] = RANGES[name] ?? [-Infinity, Infinity];
  return text2 !== "" && Number.isFinite(number5) && number5 >= low && number5 <= high ? number5 : standard;
}
function shownStep({ step, from, to }) {
  if (step === null || to !== null && step > to) return to;
  return from !== null && step < from ? from : step;
}
function pattern(text2) {
  try {
    return new RegExp(text2, "i");
  } catch {
    return null;
  }
}

// src/ui/dom.ts
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value2] of Object.entries(attributes)) element.setAttribute(name, value2);
  element.append(...children);
  return element;
}
function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value2] of Object.entries(attributes)) element.setAttribute(name, value2);
  element.append(...children);
  return element;
}
function button(text2, title, click, className = "") {
  const element = el("button", { type: "button", title, class: className }, text2);
  if (title && title !== text2) element.setAttribute("aria-label", title);
  element.addEventListener("click", click);
  return element;
}
function setText(element, text2) {
  if (element.textContent !== text2) element.textContent = text2;
}
function choice(label, options, change) {
  const select = el("select", {}, ...options.map(([value2, text2]) => el("option", { value: value2 }, text2)));
  select.addEventListener("change", () => change(select.value));
  return { element: el("label", {}, `${label} `, select), set: (value2) => select.value = value2 };
}
function check2(label, title, change) {
  const box = el("input", { type: "checkbox" });
  box.addEventListener("change", () => change(box.checked));
  return { element: el("label", { title }, box, ` ${label}`), set: (on) => box.checked = on };
}
function slider(label, [low, high, step], words2, change) {
  const input = el("input", { type: "range", min: String(low), max: String(high), step: String(step) });
  const text2 = el("output", {});
  const tell = (value2) => {
    setText(text2, words2(value2));
    input.setAttribute("aria-valuetext", words2(value2));
  };
  input.addEventListener("input", () => {
    tell(input.valueAsNumber);
    change(input.valueAsNumber);
  });
  return {
    element: el("label", {}, `${label} `, input, text2),
    set: (value2) => {
      input.value = String(value2);
      tell(value2);
    }
  };
}
function filter(label, change) {
  const input = el("input", { type: "search", placeholder: label, "aria-label": label, spellcheck: "false" });
  input.addEventListener("input", () => change(input.value));
  return {
    element: input,
    set: (text2, valid) => {
      if (document.activeElement !== input) input.value = text2;
      input.setAttribute("aria-invalid", String(!valid));
      input.title = valid ? label : "not a regular expression: nothing is filtered";
    }
  };
}

// src/ui/empty.ts
var CODE = `import tfredundancy as tfr
monitor = tfr.callbacks.RedundancyMonitor("runs/mine")  # below --logdir
model.fit(x, y, epochs=10, callbacks=[monitor])`;
function emptyState() {
  return el(
    "section",
    { class: "empty" },
    el("h2", {}, "No redundancy was recorded here yet"),
    el("p", {}, "Three lines log spectra, angles and masks of every layer while a Keras model trains:"),
    el("pre", {}, el("code", {}, CODE)),
    el("p", {}, "This page looks for data every five seconds and shows them when they are there.")
  );
}
function nothingShown(what) {
  return el("section", { class: "empty" }, el("p", {}, what));
}
function failure(error) {
  const text2 = error instanceof Error ? `${error.message}
${error.stack ?? ""}` : String(error);
  const head = el("h2", {}, "The Redundancy page stopped");
  return el("section", { class: "empty", role: "alert" }, head, el("pre", {}, text2));
}

// src/maths/bins.ts
function edges(low, high, count, spacing) {
  const found = new Float64Array(count + 1);
  for (let i = 0; i <= count; i++) {
    const share = i / count;
    found[i] = spacing === "log" ? low * (high / low) ** share : low + (high - low) * share;
  }
  found[0] = low;
  found[count] = high;
  return found;
}
function histogram(values, weights2, bins) {
  const counts = new Float64Array(Math.max(0, bins.length - 1));
  for (let i = 0; i < values.length; i++) {
    const bin = binOf(values[i], bins);
    if (bin >= 0) counts[bin] += weights2 ? weights2[i] : 1;
  }
  return counts;
}
function binOf(value2, bins) {
  const last = bins.length - 1;
  if (!(value2 >= bins[0] && value2 <= bins[last])) return -1;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = low + high >> 1;
    if (value2 >= bins[middle]) low = middle;
    else high = middle;
  }
  return low;
}
function quantile(values, weights2, p) {
  let total2 = 0;
  for (let i = 0; i < values.length; i++) total2 += weights2 ? weights2[i] : 1;
  let below = 0;
  for (let i = 0; i < values.length; i++) {
    below += weights2 ? weights2[i] : 1;
    if (below >= p * total2) return values[i];
  }
  return Number.NaN;
}
function freedmanDiaconis(values, weights2, range2, total2) {
  const width2 = 2 * (quantile(values, weights2, 0.75) - quantile(values, weights2, 0.25)) / Math.cbrt(total2);
  return width2 > 0 && range2 > 0 ? Math.max(20, Math.min(120, Math.ceil(range2 / width2))) : 20;
}

// src/plot/plot.ts
function emptyPlot(title, kind, runs, notes) {
  const axis = { scale: "linear", label: "", domain: [0, 1] };
  return { title, kind, runs, step: null, x: axis, y: axis, marks: [], notes };
}
function warning(text2) {
  return { level: "warning", text: text2 };
}
function info(text2) {
  return { level: "info", text: text2 };
}

// src/pictures/source.ts
var MOST_RUNS = 12;
var CROWD = 5;
var MOST_LINES = 4;
function atMost(runs) {
  if (runs.length <= MOST_RUNS) return { runs, notes: [] };
  return {
    runs: runs.slice(0, MOST_RUNS),
    notes: [info(`${MOST_RUNS} of ${runs.length} runs are drawn: choose fewer`)]
  };
}
function at(sources, step) {
  const found = sources.flatMap((source) => {
    const event = nearestEvent(source.events, step);
    return event ? [{ ...source, event, ink: `run:${source.colour}` }] : [];
  });
  const same = found.every(({ event }) => event.step === found[0].event.step);
  const names = runNames(found.map(({ run }) => run));
  return found.map((each) => {
    const label = clipped(names.get(each.run), 12, 23);
    const crowded = found.length >= CROWD;
    const step2 = same ? "" : `${crowded ? " @ " : " · step "}${integer(each.event.step)}`;
    return { ...each, label, name: label + step2, crowded };
  });
}
function sayOfEach(now, words2) {
  const names = /* @__PURE__ */ new Map();
  for (const each of now) names.set(words2(each), [...names.get(words2(each)) ?? [], each.name]);
  const lines = [...names].map(([said, runs]) => info(`${together(runs, now.length)}: ${said}`));
  const left = lines.length - MOST_LINES;
  return left > 0 && now[0].crowded ? [...lines.slice(0, MOST_LINES), info(`and ${counted(left, "line")} more: choose fewer runs`)] : lines;
}
function together(names, all) {
  if (names.length === all && all > 1) return "every run";
  return names.length < CROWD ? names.join(", ") : `${names.length} of ${all} runs`;
}
function within(events, options) {
  const { from, to } = options;
  return events.filter((event) => (from === null || event.step >= from) && (to === null || event.step <= to));
}
function thinned(events, most2) {
  if (events.length <= most2) return { events, notes: [] };
  const chosen = Array.from({ length: most2 }, (_, i) => events[Math.round(i * (events.length - 1) / (most2 - 1))]);
  return { events: chosen, notes: [info(`${most2} of ${events.length} steps are drawn`)] };
}
function nonfiniteNote(count, of) {
  return count ? [warning(`${integer(count)} ${of} NaN or infinite, left out`)] : [];
}
var memory = /* @__PURE__ */ new WeakMap();
function remembered(events, key, compute) {
  const known2 = memory.get(events) ?? /* @__PURE__ */ new Map();
  memory.set(events, known2);
  if (!known2.has(key)) {
    if (known2.size > 24) known2.clear();
    known2.set(key, compute());
  }
  return known2.get(key);
}

// src/pictures/spectra.ts
var DECADES = 1e9;
var spectra = /* @__PURE__ */ new WeakMap();
function decoded(event) {
  const known2 = spectra.get(event) ?? readSpectrum(event);
  spectra.set(event, known2);
  return known2;
}
function extent(events) {
  let low = Infinity;
  let high = 0;
  for (const event of events) {
    const { values } = decoded(event);
    const first = values.findIndex((value2) => value2 > 0);
    if (first < 0) continue;
    low = Math.min(low, values[first]);
    high = Math.max(high, values[values.length - 1]);
  }
  return high > 0 ? [Math.max(low, high / DECADES), high] : null;
}
function joined(extents) {
  const known2 = extents.filter((each) => each !== null);
  return known2.length ? [Math.min(...known2.map(([low]) => low)), Math.max(...known2.map(([, high]) => high))] : null;
}
function binning(sources, shown, options) {
  const extents = sources.map(({ events }) => remembered(events, "extent", () => extent(events)));
  const range2 = options.fixed ? joined(extents) : extent(shown);
  if (!range2) return null;
  const spacing = options.logX ? "log" : "linear";
  const [low, high] = options.logX ? [range2[0] / 1.02, range2[1] * 1.02] : [0, range2[1] * 1.02];
  const measured = options.fixed ? sources[0].events.at(-1) : shown[0];
  const count = options.bins || automatic(decoded(measured), low, high, spacing);
  const axis = { scale: spacing, label: "eigenvalue λ of WᵀW/N", domain: [low, high] };
  return { edges: edges(low, high, count, spacing), spacing, axis };
}
function automatic(spectrum2, low, high, spacing) {
  const first = spacing === "log" ? spectrum2.values.findIndex((value2) => value2 >= low) : 0;
  if (first < 0) return 20;
  const values = spectrum2.values.subarray(first);
  const placed = spacing === "log" ? values.map(Math.log) : values;
  const range2 = spacing === "log" ? Math.log(high / low) : high - low;
  return freedmanDiaconis(placed, spectrum2.weights.subarray(first), range2, spectrum2.total);
}
function density(spectrum2, bins) {
  const counts = histogram(spectrum2.values, spectrum2.weights, bins.edges);
  return counts.map((count, i) => count / (spectrum2.total * width(bins, i)));
}
function width({ edges: ends, spacing }, i) {
  return spacing === "log" ? Math.log(ends[i + 1] / ends[i]) : ends[i + 1] - ends[i];
}
function densityLabel(spacing) {
  return spacing === "log" ? "density per ln λ" : "density per λ";
}
function densities(events, bins) {
  const key = `densities ${bins.spacing} ${bins.edges.length} ${bins.axis.domain.join(" ")}`;
  return remembered(events, key, () => events.map((event) => density(decoded(event), bins)));
}
function spectrumNotes({ event }, logarithmic2, prefix = "") {
  const spectrum2 = decoded(event);
  if (!spectrum2.values.length) return [warning(`${prefix}no eigenvalues at this step: weights are NaN or infinite`)];
  const { trusted, reasons } = trust(spectrum2.tail);
  return [
    ...nonfiniteNote(spectrum2.nonfinite, "eigenvalues are"),
    ...Number.isNaN(spectrum2.sigma2) ? [info(`${prefix}no Marchenko–Pastur fit was recorded`)] : [],
    ...trusted ? [] : [warning(`${prefix}fit of the tail not trustworthy: ${reasons.join("; ")}`)],
    ...logarithmic2 && spectrum2.zeros > 0 ? [info(`${prefix}${counted(spectrum2.zeros, "zero")} not on a log axis`)] : []
  ];
}
function facts(event) {
  const spectrum2 = decoded(event);
  const { tail: tail3 } = spectrum2;
  return [
    ["eigenvalues", short(spectrum2.total)],
    ["Q = N/M", short(spectrum2.q)],
    ["σ²", short(spectrum2.sigma2)],
    ["bulk edge", short(spectrum2.bulkEdge)],
    ["spikes", short(spectrum2.spikes)],
    ["λ_max / edge", short(edgeExcess(spectrum2))],
    ["alpha", short(tail3.alpha)],
    ["alpha of noise", short(tail3.noise)],
    ["p of the tail", short(tail3.p)],
    ["eigenvalues in the tail", short(tail3.count)],
    ["xmin", short(tail3.xmin)],
    ["KS distance", short(tail3.ks)],
    ["tail", trust(tail3).trusted ? "trustworthy" : "not trustworthy"]
  ];
}

// src/ui/gather.ts
var NONE = [];
function gather(context, layer, kind, runs) {
  const { catalogue, store } = context;
  const sources = [];
  const wants = [];
  const notes = [];
  const stamps = [];
  let loading = false;
  for (const run of runs) {
    const found = catalogue.find(layer, kind, run);
    if (!found) continue;
    const { tag, info: info2 } = found;
    if (!info2.supported) {
      notes.push(warning(`${run || "."}: ${info2.reason ?? "can not be read"}`));
      continue;
    }
    wants.push({ run, tag, scalar: false, kind, header: info2.header, maxStep: info2.maxStep, steps: "all" });
    const entry = store.entry(run, tag);
    if (entry?.error) notes.push(warning(`${run || "."}: ${entry.error}`));
    if (entry?.steps !== "all") loading = true;
    sources.push({ run, colour: context.colours.get(run) ?? 0, events: entry?.events ?? NONE });
    stamps.push(`${run} ${entry?.version ?? 0}`);
  }
  return { sources, wants, notes, loading, stamp: JSON.stringify([stamps, notes]) };
}
function mainRun({ state, shown, catalogue }) {
  return state.a !== "" && catalogue.runs.includes(state.a) ? state.a : shown[0];
}
function otherRun({ state, catalogue }) {
  return state.b !== "" && catalogue.runs.includes(state.b) ? state.b : void 0;
}

// src/ui/facts.ts
var MOST_RUNS2 = 6;
function factsOf(context) {
  const { state } = context;
  if (state.view !== "spectrum" || !state.layer) return [];
  const { sources } = gather(context, state.layer, "esd", context.shown);
  const columns = sources.slice(0, MOST_RUNS2).flatMap(({ run, events }) => {
    const event = nearestEvent(events, state.step);
    return event ? [{ run, event, facts: facts(event) }] : [];
  });
  if (!columns.length) return [];
  const head = columns.map(
    ({ run, event }) => el("th", { scope: "col", dir: "auto" }, `${run || "."} · step ${integer(event.step)}`)
  );
  const rows = columns[0].facts.map(
    ([name], i) => el("tr", {}, el("th", { scope: "row" }, name), ...columns.map((column) => el("td", {}, column.facts[i][1])))
  );
  const why = el(
    "tr",
    {},
    el("th", { scope: "row" }, "why not"),
    ...columns.map(({ event }) => el("td", {}, trust(decoded(event).tail).reasons.join("; ") || "–"))
  );
  const table = el("table", {}, el("thead", {}, el("tr", {}, el("td"), ...head)), el("tbody", {}, ...rows, why));
  return [el("h3", {}, "Numbers"), table];
}

// src/plot/csv.ts
var HEAD = ["series", "x", "x_end", "y", "value"];
function csv(plot) {
  const rows = plot.marks.flatMap((mark) => markRows(mark, plot));
  return [HEAD, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
function nameOf(mark) {
  return mark.label || mark.name || mark.type;
}
function markRows(mark, plot) {
  const name = nameOf(mark);
  switch (mark.type) {
    case "bars":
    case "outline":
      return Array.from(mark.heights, (height, i) => [name, mark.edges[i], mark.edges[i + 1], height, ""]);
    case "line":
    case "points":
      return Array.from(mark.x, (x2, i) => [name, x2, "", mark.y[i], ""]);
    case "rule":
      return [[name, mark.x, "", "", ""]];
    case "rug":
      return Array.from(mark.x, (x2) => [name, x2, "", "", ""]);
    case "cells":
      return Array.from(mark.values, (value2, i) => {
        const [row, column] = [Math.floor(i / mark.columns), i % mark.columns];
        return [name, place(plot.x, column, mark.columns), "", place(plot.y, row, mark.rows), value2];
      });
    case "ridges":
      return mark.rows.flatMap(
        (heights, row) => Array.from(heights, (value2, i) => [name, mark.edges[i], mark.edges[i + 1], place(plot.y, row, 0), value2])
      );
  }
}
function place(axis, index, count) {
  if (axis.scale === "band") return axis.names[index] ?? "";
  const [low, high] = axis.domain;
  const share = (index + 0.5) / count;
  return axis.scale === "log" ? low * (high / low) ** share : low + (high - low) * share;
}
function cell(value2) {
  if (typeof value2 === "number") return String(value2);
  const safe = /^[=+\-@\t\r]/.test(value2) ? `'${value2}` : value2;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// src/plot/hover.ts
function read(plot, at2, pixelX, pixelY) {
  const { frame } = at2;
  const inside = pixelX >= frame.x && pixelX <= frame.x + frame.width && pixelY >= frame.y - 8 && pixelY <= frame.y + frame.height + 8;
  if (!inside || !plot.marks.length) return null;
  const x2 = at2.x.invert(pixelX);
  const y = at2.y.invert(pixelY);
  const told = plot.marks.filter((mark) => mark.label || mark.name);
  const lines = told.map((mark) => line(mark, plot, x2, y)).filter((text2) => text2 !== "");
  return { x: plot.x.scale === "band" ? at2.x.at(x2) : pixelX, head: header(plot, x2, y), lines };
}
function header(plot, x2, y) {
  const first = `${plot.x.label}: ${named(plot.x, x2)}`;
  return plot.y.scale === "band" ? `${first} · ${plot.y.label || "row"}: ${named(plot.y, y)}` : first;
}
function named(axis, value2) {
  return axis.scale === "band" ? axis.names[value2] ?? "" : short(value2);
}
function line(mark, plot, x2, y) {
  const name = nameOf(mark);
  switch (mark.type) {
    case "bars":
    case "outline": {
      const bin = binOf(x2, mark.edges);
      return bin < 0 ? "" : `${name}: ${short(mark.heights[bin])} in ${interval(mark.edges, bin)}`;
    }
    case "line":
    case "points": {
      const i = nearestIndex(mark.x, x2, plot.x.scale === "log");
      return i < 0 ? "" : `${name}: ${short(mark.y[i])} at ${plot.x.scale === "band" ? named(plot.x, mark.x[i]) : short(mark.x[i])}`;
    }
    case "rule":
      return `${name}: at ${short(mark.x)}`;
    case "rug":
      return "";
    case "cells":
      return cellLine(mark, plot, x2, y);
    case "ridges": {
      const bin = binOf(x2, mark.edges);
      const row = mark.rows[y];
      return bin < 0 || !row ? "" : `${name}: ${short(row[bin])} in ${interval(mark.edges, bin)}`;
    }
  }
}
function cellLine(mark, plot, x2, y) {
  const [column, row] = [cellOf(plot.x, x2, mark.columns), cellOf(plot.y, y, mark.rows)];
  const where = plot.y.scale === "band" ? "" : ` at ${short(Number(place(plot.y, row, mark.rows)))}`;
  return `${mark.label}: ${short(mark.values[row * mark.columns + column] ?? Number.NaN)}${where}`;
}
function cellOf(axis, value2, count) {
  if (axis.scale === "band") return value2;
  const [low, high] = axis.domain;
  const share = axis.scale === "log" ? Math.log(value2 / low) / Math.log(high / low) : (value2 - low) / (high - low);
  return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
}
function interval(edges2, bin) {
  return `[${short(edges2[bin])}, ${short(edges2[bin + 1])}${bin === edges2.length - 2 ? "]" : ")"}`;
}
function nearestIndex(values, x2, log2) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < values.length; i++) {
    const distance = log2 ? Math.abs(Math.log(values[i] / x2)) : Math.abs(values[i] - x2);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

// node_modules/d3-array/dist/d3-array.mjs
function ascending(a, b) {
  return a == null || b == null ? NaN : a < b ? -1 : a > b ? 1 : a >= b ? 0 : NaN;
}
function descending(a, b) {
  return a == null || b == null ? NaN : b < a ? -1 : b > a ? 1 : b >= a ? 0 : NaN;
}
function bisector(f) {
  let compare1, compare2, delta;
  if (f.length !== 2) {
    compare1 = ascending;
    compare2 = (d, x2) => ascending(f(d), x2);
    delta = (d, x2) => f(d) - x2;
  } else {
    compare1 = f === ascending || f === descending ? f : zero;
    compare2 = f;
    delta = f;
  }
  function left(a, x2, lo = 0, hi = a.length) {
    if (lo < hi) {
      if (compare1(x2, x2) !== 0) return hi;
      do {
        const mid = lo + hi >>> 1;
        if (compare2(a[mid], x2) < 0) lo = mid + 1;
        else hi = mid;
      } while (lo < hi);
    }
    return lo;
  }
  function right(a, x2, lo = 0, hi = a.length) {
    if (lo < hi) {
      if (compare1(x2, x2) !== 0) return hi;
      do {
        const mid = lo + hi >>> 1;
        if (compare2(a[mid], x2) <= 0) lo = mid + 1;
        else hi = mid;
      } while (lo < hi);
    }
    return lo;
  }
  function center(a, x2, lo = 0, hi = a.length) {
    const i = left(a, x2, lo, hi - 1);
    return i > lo && delta(a[i - 1], x2) > -delta(a[i], x2) ? i - 1 : i;
  }
  return { left, center, right };
}
function zero() {
  return 0;
}
function number2(x2) {
  return x2 === null ? NaN : +x2;
}
var ascendingBisect = bisector(ascending);
var bisectRight = ascendingBisect.right;
var bisectLeft = ascendingBisect.left;
var bisectCenter = bisector(number2).center;
var blur2 = Blur2(blurf);
var blurImage = Blur2(blurfImage);
function Blur2(blur) {
  return function(data, rx, ry = rx) {
    if (!((rx = +rx) >= 0)) throw new RangeError("invalid rx");
    if (!((ry = +ry) >= 0)) throw new RangeError("invalid ry");
    let { data: values, width: width2, height } = data;
    if (!((width2 = Math.floor(width2)) >= 0)) throw new RangeError("invalid width");
    if (!((height = Math.floor(height !== void 0 ? height : values.length / width2)) >= 0)) throw new RangeError("invalid height");
    if (!width2 || !height || !rx && !ry) return data;
    const blurx = rx && blur(rx);
    const blury = ry && blur(ry);
    const temp = values.slice();
    if (blurx && blury) {
      blurh(blurx, temp, values, width2, height);
      blurh(blurx, values, temp, width2, height);
      blurh(blurx, temp, values, width2, height);
      blurv(blury, values, temp, width2, height);
      blurv(blury, temp, values, width2, height);
      blurv(blury, values, temp, width2, height);
    } else if (blurx) {
      blurh(blurx, values, temp, width2, height);
      blurh(blurx, temp, values, width2, height);
      blurh(blurx, values, temp, width2, height);
    } else if (blury) {
      blurv(blury, values, temp, width2, height);
      blurv(blury, temp, values, width2, height);
      blurv(blury, values, temp, width2, height);
    }
    return data;
  };
}
function blurh(blur, T, S, w, h) {
  for (let y = 0, n = w * h; y < n; ) {
    blur(T, S, y, y += w, 1);
  }
}
function blurv(blur, T, S, w, h) {
  for (let x2 = 0, n = w * h; x2 < w; ++x2) {
    blur(T, S, x2, x2 + n, w);
  }
}
function blurfImage(radius) {
  const blur = blurf(radius);
  return (T, S, start, stop, step) => {
    start <<= 2, stop <<= 2, step <<= 2;
    blur(T, S, start + 0, stop + 0, step);
    blur(T, S, start + 1, stop + 1, step);
    blur(T, S, start + 2, stop + 2, step);
    blur(T, S, start + 3, stop + 3, step);
  };
}
function blurf(radius) {
  const radius0 = Math.floor(radius);
  if (radius0 === radius) return bluri(radius);
  const t = radius - radius0;
  const w = 2 * radius + 1;
  return (T, S, start, stop, step) => {
    if (!((stop -= step) >= start)) return;
    let sum = radius0 * S[start];
    const s0 = step * radius0;
    const s1 = s0 + step;
    for (let i = start, j = start + s0; i < j; i += step) {
      sum += S[Math.min(stop, i)];
    }
    for (let i = start, j = stop; i <= j; i += step) {
      sum += S[Math.min(stop, i + s0)];
      T[i] = (sum + t * (S[Math.max(start, i - s1)] + S[Math.min(stop, i + s1)])) / w;
      sum -= S[Math.max(start, i - s0)];
    }
  };
}
function bluri(radius) {
  const w = 2 * radius + 1;
  return (T, S, start, stop, step) => {
    if (!((stop -= step) >= start)) return;
    let sum = radius * S[start];
    const s = step * radius;
    for (let i = start, j = start + s; i < j; i += step) {
      sum += S[Math.min(stop, i)];
    }
    for (let i = start, j = stop; i <= j; i += step) {
      sum += S[Math.min(stop, i + s)];
      T[i] = sum / w;
      sum -= S[Math.max(start, i - s)];
    }
  };
}
var array = Array.prototype;
var slice = array.slice;
var e10 = Math.sqrt(50);
var e5 = Math.sqrt(10);
var e2 = Math.sqrt(2);
function tickSpec(start, stop, count) {
  const step = (stop - start) / Math.max(0, count), power = Math.floor(Math.log10(step)), error = step / Math.pow(10, power), factor = error >= e10 ? 10 : error >= e5 ? 5 : error >= e2 ? 2 : 1;
  let i1, i2, inc;
  if (power < 0) {
    inc = Math.pow(10, -power) / factor;
    i1 = Math.round(start * inc);
    i2 = Math.round(stop * inc);
    if (i1 / inc < start) ++i1;
    if (i2 / inc > stop) --i2;
    inc = -inc;
  } else {
    inc = Math.pow(10, power) * factor;
    i1 = Math.round(start / inc);
    i2 = Math.round(stop / inc);
    if (i1 * inc < start) ++i1;
    if (i2 * inc > stop) --i2;
  }
  if (i2 < i1 && 0.5 <= count && count < 2) return tickSpec(start, stop, count * 2);
  return [i1, i2, inc];
}
function ticks(start, stop, count) {
  stop = +stop, start = +start, count = +count;
  if (!(count > 0)) return [];
  if (start === stop) return [start];
  const reverse = stop < start, [i1, i2, inc] = reverse ? tickSpec(stop, start, count) : tickSpec(start, stop, count);
  if (!(i2 >= i1)) return [];
  const n = i2 - i1 + 1, ticks2 = new Array(n);
  if (reverse) {
    if (inc < 0) for (let i = 0; i < n; ++i) ticks2[i] = (i2 - i) / -inc;
    else for (let i = 0; i < n; ++i) ticks2[i] = (i2 - i) * inc;
  } else {
    if (inc < 0) for (let i = 0; i < n; ++i) ticks2[i] = (i1 + i) / -inc;
    else for (let i = 0; i < n; ++i) ticks2[i] = (i1 + i) * inc;
  }
  return ticks2;
}
function tickIncrement(start, stop, count) {
  stop = +stop, start = +start, count = +count;
  return tickSpec(start, stop, count)[2];
}
function tickStep(start, stop, count) {
  stop = +stop, start = +start, count = +count;
  const reverse = stop < start, inc = reverse ? tickIncrement(stop, start, count) : tickIncrement(start, stop, count);
  return (reverse ? -1 : 1) * (inc < 0 ? 1 / -inc : inc);
}
var shuffle = shuffler(Math.random);
function shuffler(random) {
  return function shuffle2(array2, i0 = 0, i1 = array2.length) {
    let m = i1 - (i0 = +i0);
    while (m) {
      const i = random() * m-- | 0, t = array2[m + i0];
      array2[m + i0] = array2[i + i0];
      array2[i + i0] = t;
    }
    return array2;
  };
}

// node_modules/d3-color/dist/d3-color.mjs
function define(constructor, factory, prototype) {
  constructor.prototype = factory.prototype = prototype;
  prototype.constructor = constructor;
}
function extend(parent, definition) {
  var prototype = Object.create(parent.prototype);
  for (var key in definition) prototype[key] = definition[key];
  return prototype;
}
function Color() {
}
var darker = 0.7;
var brighter = 1 / darker;
var reI = "\\s*([+-]?\\d+)\\s*";
var reN = "\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)\\s*";
var reP = "\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)%\\s*";
var reHex = /^#([0-9a-f]{3,8})$/;
var reRgbInteger = new RegExp(`^rgb\\(${reI},${reI},${reI}\\)$`);
var reRgbPercent = new RegExp(`^rgb\\(${reP},${reP},${reP}\\)$`);
var reRgbaInteger = new RegExp(`^rgba\\(${reI},${reI},${reI},${reN}\\)$`);
var reRgbaPercent = new RegExp(`^rgba\\(${reP},${reP},${reP},${reN}\\)$`);
var reHslPercent = new RegExp(`^hsl\\(${reN},${reP},${reP}\\)$`);
var reHslaPercent = new RegExp(`^hsla\\(${reN},${reP},${reP},${reN}\\)$`);
var named2 = {
  aliceblue: 15792383,
  antiquewhite: 16444375,
  aqua: 65535,
  aquamarine: 8388564,
  azure: 15794175,
  beige: 16119260,
  bisque: 16770244,
  black: 0,
  blanchedalmond: 16772045,
  blue: 255,
  blueviolet: 9055202,
  brown: 10824234,
  burlywood: 14596231,
  cadetblue: 6266528,
  chartreuse: 8388352,
  chocolate: 13789470,
  coral: 16744272,
  cornflowerblue: 6591981,
  cornsilk: 16775388,
  crimson: 14423100,
  cyan: 65535,
  darkblue: 139,
  darkcyan: 35723,
  darkgoldenrod: 12092939,
  darkgray: 11119017,
  darkgreen: 25600,
  darkgrey: 11119017,
  darkkhaki: 12433259,
  darkmagenta: 9109643,
  darkolivegreen: 5597999,
  darkorange: 16747520,
  darkorchid: 10040012,
  darkred: 9109504,
  darksalmon: 15308410,
  darkseagreen: 9419919,
  darkslateblue: 4734347,
  darkslategray: 3100495,
  darkslategrey: 3100495,
  darkturquoise: 52945,
  darkviolet: 9699539,
  deeppink: 16716947,
  deepskyblue: 49151,
  dimgray: 6908265,
  dimgrey: 6908265,
  dodgerblue: 2003199,
  firebrick: 11674146,
  floralwhite: 16775920,
  forestgreen: 2263842,
  fuchsia: 16711935,
  gainsboro: 14474460,
  ghostwhite: 16316671,
  gold: 16766720,
  goldenrod: 14329120,
  gray: 8421504,
  green: 32768,
  greenyellow: 11403055,
  grey: 8421504,
  honeydew: 15794160,
  hotpink: 16738740,
  indianred: 13458524,
  indigo: 4915330,
  ivory: 16777200,
  khaki: 15787660,
  lavender: 15132410,
  lavenderblush: 16773365,
  lawngreen: 8190976,
  lemonchiffon: 16775885,
  lightblue: 11393254,
  lightcoral: 15761536,
  lightcyan: 14745599,
  lightgoldenrodyellow: 16448210,
  lightgray: 13882323,
  lightgreen: 9498256,
  lightgrey: 13882323,
  lightpink: 16758465,
  lightsalmon: 16752762,
  lightseagreen: 2142890,
  lightskyblue: 8900346,
  lightslategray: 7833753,
  lightslategrey: 7833753,
  lightsteelblue: 11584734,
  lightyellow: 16777184,
  lime: 65280,
  limegreen: 3329330,
  linen: 16445670,
  magenta: 16711935,
  maroon: 8388608,
  mediumaquamarine: 6737322,
  mediumblue: 205,
  mediumorchid: 12211667,
  mediumpurple: 9662683,
  mediumseagreen: 3978097,
  mediumslateblue: 8087790,
  mediumspringgreen: 64154,
  mediumturquoise: 4772300,
  mediumvioletred: 13047173,
  midnightblue: 1644912,
  mintcream: 16121850,
  mistyrose: 16770273,
  moccasin: 16770229,
  navajowhite: 16768685,
  navy: 128,
  oldlace: 16643558,
  olive: 8421376,
  olivedrab: 7048739,
  orange: 16753920,
  orangered: 16729344,
  orchid: 14315734,
  palegoldenrod: 15657130,
  palegreen: 10025880,
  paleturquoise: 11529966,
  palevioletred: 14381203,
  papayawhip: 16773077,
  peachpuff: 16767673,
  peru: 13468991,
  pink: 16761035,
  plum: 14524637,
  powderblue: 11591910,
  purple: 8388736,
  rebeccapurple: 6697881,
  red: 16711680,
  rosybrown: 12357519,
  royalblue: 4286945,
  saddlebrown: 9127187,
  salmon: 16416882,
  sandybrown: 16032864,
  seagreen: 3050327,
  seashell: 16774638,
  sienna: 10506797,
  silver: 12632256,
  skyblue: 8900331,
  slateblue: 6970061,
  slategray: 7372944,
  slategrey: 7372944,
  snow: 16775930,
  springgreen: 65407,
  steelblue: 4620980,
  tan: 13808780,
  teal: 32896,
  thistle: 14204888,
  tomato: 16737095,
  turquoise: 4251856,
  violet: 15631086,
  wheat: 16113331,
  white: 16777215,
  whitesmoke: 16119285,
  yellow: 16776960,
  yellowgreen: 10145074
};
define(Color, color, {
  copy(channels) {
    return Object.assign(new this.constructor(), this, channels);
  },
  displayable() {
    return this.rgb().displayable();
  },
  hex: color_formatHex,
  // Deprecated! Use color.formatHex.
  formatHex: color_formatHex,
  formatHex8: color_formatHex8,
  formatHsl: color_formatHsl,
  formatRgb: color_formatRgb,
  toString: color_formatRgb
});
function color_formatHex() {
  return this.rgb().formatHex();
}
function color_formatHex8() {
  return this.rgb().formatHex8();
}
function color_formatHsl() {
  return hslConvert(this).formatHsl();
}
function color_formatRgb() {
  return this.rgb().formatRgb();
}
function color(format2) {
  var m, l;
  format2 = (format2 + "").trim().toLowerCase();
  return (m = reHex.exec(format2)) ? (l = m[1].length, m = parseInt(m[1], 16), l === 6 ? rgbn(m) : l === 3 ? new Rgb(m >> 8 & 15 | m >> 4 & 240, m >> 4 & 15 | m & 240, (m & 15) << 4 | m & 15, 1) : l === 8 ? rgba(m >> 24 & 255, m >> 16 & 255, m >> 8 & 255, (m & 255) / 255) : l === 4 ? rgba(m >> 12 & 15 | m >> 8 & 240, m >> 8 & 15 | m >> 4 & 240, m >> 4 & 15 | m & 240, ((m & 15) << 4 | m & 15) / 255) : null) : (m = reRgbInteger.exec(format2)) ? new Rgb(m[1], m[2], m[3], 1) : (m = reRgbPercent.exec(format2)) ? new Rgb(m[1] * 255 / 100, m[2] * 255 / 100, m[3] * 255 / 100, 1) : (m = reRgbaInteger.exec(format2)) ? rgba(m[1], m[2], m[3], m[4]) : (m = reRgbaPercent.exec(format2)) ? rgba(m[1] * 255 / 100, m[2] * 255 / 100, m[3] * 255 / 100, m[4]) : (m = reHslPercent.exec(format2)) ? hsla(m[1], m[2] / 100, m[3] / 100, 1) : (m = reHslaPercent.exec(format2)) ? hsla(m[1], m[2] / 100, m[3] / 100, m[4]) : named2.hasOwnProperty(format2) ? rgbn(named2[format2]) : format2 === "transparent" ? new Rgb(NaN, NaN, NaN, 0) : null;
}
function rgbn(n) {
  return new Rgb(n >> 16 & 255, n >> 8 & 255, n & 255, 1);
}
function rgba(r, g, b, a) {
  if (a <= 0) r = g = b = NaN;
  return new Rgb(r, g, b, a);
}
function rgbConvert(o) {
  if (!(o instanceof Color)) o = color(o);
  if (!o) return new Rgb();
  o = o.rgb();
  return new Rgb(o.r, o.g, o.b, o.opacity);
}
function rgb(r, g, b, opacity) {
  return arguments.length === 1 ? rgbConvert(r) : new Rgb(r, g, b, opacity == null ? 1 : opacity);
}
function Rgb(r, g, b, opacity) {
  this.r = +r;
  this.g = +g;
  this.b = +b;
  this.opacity = +opacity;
}
define(Rgb, rgb, extend(Color, {
  brighter(k) {
    k = k == null ? brighter : Math.pow(brighter, k);
    return new Rgb(this.r * k, this.g * k, this.b * k, this.opacity);
  },
  darker(k) {
    k = k == null ? darker : Math.pow(darker, k);
    return new Rgb(this.r * k, this.g * k, this.b * k, this.opacity);
  },
  rgb() {
    return this;
  },
  clamp() {
    return new Rgb(clampi(this.r), clampi(this.g), clampi(this.b), clampa(this.opacity));
  },
  displayable() {
    return -0.5 <= this.r && this.r < 255.5 && (-0.5 <= this.g && this.g < 255.5) && (-0.5 <= this.b && this.b < 255.5) && (0 <= this.opacity && this.opacity <= 1);
  },
  hex: rgb_formatHex,
  // Deprecated! Use color.formatHex.
  formatHex: rgb_formatHex,
  formatHex8: rgb_formatHex8,
  formatRgb: rgb_formatRgb,
  toString: rgb_formatRgb
}));
function rgb_formatHex() {
  return `#${hex(this.r)}${hex(this.g)}${hex(this.b)}`;
}
function rgb_formatHex8() {
  return `#${hex(this.r)}${hex(this.g)}${hex(this.b)}${hex((isNaN(this.opacity) ? 1 : this.opacity) * 255)}`;
}
function rgb_formatRgb() {
  const a = clampa(this.opacity);
  return `${a === 1 ? "rgb(" : "rgba("}${clampi(this.r)}, ${clampi(this.g)}, ${clampi(this.b)}${a === 1 ? ")" : `, ${a})`}`;
}
function clampa(opacity) {
  return isNaN(opacity) ? 1 : Math.max(0, Math.min(1, opacity));
}
function clampi(value2) {
  return Math.max(0, Math.min(255, Math.round(value2) || 0));
}
function hex(value2) {
  value2 = clampi(value2);
  return (value2 < 16 ? "0" : "") + value2.toString(16);
}
function hsla(h, s, l, a) {
  if (a <= 0) h = s = l = NaN;
  else if (l <= 0 || l >= 1) h = s = NaN;
  else if (s <= 0) h = NaN;
  return new Hsl(h, s, l, a);
}
function hslConvert(o) {
  if (o instanceof Hsl) return new Hsl(o.h, o.s, o.l, o.opacity);
  if (!(o instanceof Color)) o = color(o);
  if (!o) return new Hsl();
  if (o instanceof Hsl) return o;
  o = o.rgb();
  var r = o.r / 255, g = o.g / 255, b = o.b / 255, min = Math.min(r, g, b), max = Math.max(r, g, b), h = NaN, s = max - min, l = (max + min) / 2;
  if (s) {
    if (r === max) h = (g - b) / s + (g < b) * 6;
    else if (g === max) h = (b - r) / s + 2;
    else h = (r - g) / s + 4;
    s /= l < 0.5 ? max + min : 2 - max - min;
    h *= 60;
  } else {
    s = l > 0 && l < 1 ? 0 : h;
  }
  return new Hsl(h, s, l, o.opacity);
}
function hsl(h, s, l, opacity) {
  return arguments.length === 1 ? hslConvert(h) : new Hsl(h, s, l, opacity == null ? 1 : opacity);
}
function Hsl(h, s, l, opacity) {
  this.h = +h;
  this.s = +s;
  this.l = +l;
  this.opacity = +opacity;
}
define(Hsl, hsl, extend(Color, {
  brighter(k) {
    k = k == null ? brighter : Math.pow(brighter, k);
    return new Hsl(this.h, this.s, this.l * k, this.opacity);
  },
  darker(k) {
    k = k == null ? darker : Math.pow(darker, k);
    return new Hsl(this.h, this.s, this.l * k, this.opacity);
  },
  rgb() {
    var h = this.h % 360 + (this.h < 0) * 360, s = isNaN(h) || isNaN(this.s) ? 0 : this.s, l = this.l, m2 = l + (l < 0.5 ? l : 1 - l) * s, m1 = 2 * l - m2;
    return new Rgb(
      hsl2rgb(h >= 240 ? h - 240 : h + 120, m1, m2),
      hsl2rgb(h, m1, m2),
      hsl2rgb(h < 120 ? h + 240 : h - 120, m1, m2),
      this.opacity
    );
  },
  clamp() {
    return new Hsl(clamph(this.h), clampt(this.s), clampt(this.l), clampa(this.opacity));
  },
  displayable() {
    return (0 <= this.s && this.s <= 1 || isNaN(this.s)) && (0 <= this.l && this.l <= 1) && (0 <= this.opacity && this.opacity <= 1);
  },
  formatHsl() {
    const a = clampa(this.opacity);
    return `${a === 1 ? "hsl(" : "hsla("}${clamph(this.h)}, ${clampt(this.s) * 100}%, ${clampt(this.l) * 100}%${a === 1 ? ")" : `, ${a})`}`;
  }
}));
function clamph(value2) {
  value2 = (value2 || 0) % 360;
  return value2 < 0 ? value2 + 360 : value2;
}
function clampt(value2) {
  return Math.max(0, Math.min(1, value2 || 0));
}
function hsl2rgb(h, m1, m2) {
  return (h < 60 ? m1 + (m2 - m1) * h / 60 : h < 180 ? m2 : h < 240 ? m1 + (m2 - m1) * (240 - h) / 60 : m1) * 255;
}
var radians = Math.PI / 180;
var degrees = 180 / Math.PI;
var K = 18;
var Xn = 0.96422;
var Yn = 1;
var Zn = 0.82521;
var t0 = 4 / 29;
var t1 = 6 / 29;
var t2 = 3 * t1 * t1;
var t3 = t1 * t1 * t1;
function labConvert(o) {
  if (o instanceof Lab) return new Lab(o.l, o.a, o.b, o.opacity);
  if (o instanceof Hcl) return hcl2lab(o);
  if (!(o instanceof Rgb)) o = rgbConvert(o);
  var r = rgb2lrgb(o.r), g = rgb2lrgb(o.g), b = rgb2lrgb(o.b), y = xyz2lab((0.2225045 * r + 0.7168786 * g + 0.0606169 * b) / Yn), x2, z;
  if (r === g && g === b) x2 = z = y;
  else {
    x2 = xyz2lab((0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / Xn);
    z = xyz2lab((0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / Zn);
  }
  return new Lab(116 * y - 16, 500 * (x2 - y), 200 * (y - z), o.opacity);
}
function lab(l, a, b, opacity) {
  return arguments.length === 1 ? labConvert(l) : new Lab(l, a, b, opacity == null ? 1 : opacity);
}
function Lab(l, a, b, opacity) {
  this.l = +l;
  this.a = +a;
  this.b = +b;
  this.opacity = +opacity;
}
define(Lab, lab, extend(Color, {
  brighter(k) {
    return new Lab(this.l + K * (k == null ? 1 : k), this.a, this.b, this.opacity);
  },
  darker(k) {
    return new Lab(this.l - K * (k == null ? 1 : k), this.a, this.b, this.opacity);
  },
  rgb() {
    var y = (this.l + 16) / 116, x2 = isNaN(this.a) ? y : y + this.a / 500, z = isNaN(this.b) ? y : y - this.b / 200;
    x2 = Xn * lab2xyz(x2);
    y = Yn * lab2xyz(y);
    z = Zn * lab2xyz(z);
    return new Rgb(
      lrgb2rgb(3.1338561 * x2 - 1.6168667 * y - 0.4906146 * z),
      lrgb2rgb(-0.9787684 * x2 + 1.9161415 * y + 0.033454 * z),
      lrgb2rgb(0.0719453 * x2 - 0.2289914 * y + 1.4052427 * z),
      this.opacity
    );
  }
}));
function xyz2lab(t) {
  return t > t3 ? Math.pow(t, 1 / 3) : t / t2 + t0;
}
function lab2xyz(t) {
  return t > t1 ? t * t * t : t2 * (t - t0);
}
function lrgb2rgb(x2) {
  return 255 * (x2 <= 31308e-7 ? 12.92 * x2 : 1.055 * Math.pow(x2, 1 / 2.4) - 0.055);
}
function rgb2lrgb(x2) {
  return (x2 /= 255) <= 0.04045 ? x2 / 12.92 : Math.pow((x2 + 0.055) / 1.055, 2.4);
}
function hclConvert(o) {
  if (o instanceof Hcl) return new Hcl(o.h, o.c, o.l, o.opacity);
  if (!(o instanceof Lab)) o = labConvert(o);
  if (o.a === 0 && o.b === 0) return new Hcl(NaN, 0 < o.l && o.l < 100 ? 0 : NaN, o.l, o.opacity);
  var h = Math.atan2(o.b, o.a) * degrees;
  return new Hcl(h < 0 ? h + 360 : h, Math.sqrt(o.a * o.a + o.b * o.b), o.l, o.opacity);
}
function hcl(h, c, l, opacity) {
  return arguments.length === 1 ? hclConvert(h) : new Hcl(h, c, l, opacity == null ? 1 : opacity);
}
function Hcl(h, c, l, opacity) {
  this.h = +h;
  this.c = +c;
  this.l = +l;
  this.opacity = +opacity;
}
function hcl2lab(o) {
  if (isNaN(o.h)) return new Lab(o.l, 0, 0, o.opacity);
  var h = o.h * radians;
  return new Lab(o.l, Math.cos(h) * o.c, Math.sin(h) * o.c, o.opacity);
}
define(Hcl, hcl, extend(Color, {
  brighter(k) {
    return new Hcl(this.h, this.c, this.l + K * (k == null ? 1 : k), this.opacity);
  },
  darker(k) {
    return new Hcl(this.h, this.c, this.l - K * (k == null ? 1 : k), this.opacity);
  },
  rgb() {
    return hcl2lab(this).rgb();
  }
}));
var A = -0.14861;
var B = 1.78277;
var C = -0.29227;
var D = -0.90649;
var E = 1.97294;
var ED = E * D;
var EB = E * B;
var BC_DA = B * C - D * A;
function cubehelixConvert(o) {
  if (o instanceof Cubehelix) return new Cubehelix(o.h, o.s, o.l, o.opacity);
  if (!(o instanceof Rgb)) o = rgbConvert(o);
  var r = o.r / 255, g = o.g / 255, b = o.b / 255, l = (BC_DA * b + ED * r - EB * g) / (BC_DA + ED - EB), bl = b - l, k = (E * (g - l) - C * bl) / D, s = Math.sqrt(k * k + bl * bl) / (E * l * (1 - l)), h = s ? Math.atan2(k, bl) * degrees - 120 : NaN;
  return new Cubehelix(h < 0 ? h + 360 : h, s, l, o.opacity);
}
function cubehelix(h, s, l, opacity) {
  return arguments.length === 1 ? cubehelixConvert(h) : new Cubehelix(h, s, l, opacity == null ? 1 : opacity);
}
function Cubehelix(h, s, l, opacity) {
  this.h = +h;
  this.s = +s;
  this.l = +l;
  this.opacity = +opacity;
}
define(Cubehelix, cubehelix, extend(Color, {
  brighter(k) {
    k = k == null ? brighter : Math.pow(brighter, k);
    return new Cubehelix(this.h, this.s, this.l * k, this.opacity);
  },
  darker(k) {
    k = k == null ? darker : Math.pow(darker, k);
    return new Cubehelix(this.h, this.s, this.l * k, this.opacity);
  },
  rgb() {
    var h = isNaN(this.h) ? 0 : (this.h + 120) * radians, l = +this.l, a = isNaN(this.s) ? 0 : this.s * l * (1 - l), cosh2 = Math.cos(h), sinh2 = Math.sin(h);
    return new Rgb(
      255 * (l + a * (A * cosh2 + B * sinh2)),
      255 * (l + a * (C * cosh2 + D * sinh2)),
      255 * (l + a * (E * cosh2)),
      this.opacity
    );
  }
}));

// node_modules/d3-interpolate/dist/d3-interpolate.mjs
function basis(t12, v0, v1, v2, v3) {
  var t22 = t12 * t12, t32 = t22 * t12;
  return ((1 - 3 * t12 + 3 * t22 - t32) * v0 + (4 - 6 * t22 + 3 * t32) * v1 + (1 + 3 * t12 + 3 * t22 - 3 * t32) * v2 + t32 * v3) / 6;
}
function basis$1(values) {
  var n = values.length - 1;
  return function(t) {
    var i = t <= 0 ? t = 0 : t >= 1 ? (t = 1, n - 1) : Math.floor(t * n), v1 = values[i], v2 = values[i + 1], v0 = i > 0 ? values[i - 1] : 2 * v1 - v2, v3 = i < n - 1 ? values[i + 2] : 2 * v2 - v1;
    return basis((t - i / n) * n, v0, v1, v2, v3);
  };
}
function basisClosed(values) {
  var n = values.length;
  return function(t) {
    var i = Math.floor(((t %= 1) < 0 ? ++t : t) * n), v0 = values[(i + n - 1) % n], v1 = values[i % n], v2 = values[(i + 1) % n], v3 = values[(i + 2) % n];
    return basis((t - i / n) * n, v0, v1, v2, v3);
  };
}
var constant = (x2) => () => x2;
function linear(a, d) {
  return function(t) {
    return a + t * d;
  };
}
function exponential(a, b, y) {
  return a = Math.pow(a, y), b = Math.pow(b, y) - a, y = 1 / y, function(t) {
    return Math.pow(a + t * b, y);
  };
}
function hue$1(a, b) {
  var d = b - a;
  return d ? linear(a, d > 180 || d < -180 ? d - 360 * Math.round(d / 360) : d) : constant(isNaN(a) ? b : a);
}
function gamma(y) {
  return (y = +y) === 1 ? nogamma : function(a, b) {
    return b - a ? exponential(a, b, y) : constant(isNaN(a) ? b : a);
  };
}
function nogamma(a, b) {
  var d = b - a;
  return d ? linear(a, d) : constant(isNaN(a) ? b : a);
}
var rgb2 = (function rgbGamma(y) {
  var color2 = gamma(y);
  function rgb4(start, end) {
    var r = color2((start = rgb(start)).r, (end = rgb(end)).r), g = color2(start.g, end.g), b = color2(start.b, end.b), opacity = nogamma(start.opacity, end.opacity);
    return function(t) {
      start.r = r(t);
      start.g = g(t);
      start.b = b(t);
      start.opacity = opacity(t);
      return start + "";
    };
  }
  rgb4.gamma = rgbGamma;
  return rgb4;
})(1);
function rgbSpline(spline) {
  return function(colors) {
    var n = colors.length, r = new Array(n), g = new Array(n), b = new Array(n), i, color2;
    for (i = 0; i < n; ++i) {
      color2 = rgb(colors[i]);
      r[i] = color2.r || 0;
      g[i] = color2.g || 0;
      b[i] = color2.b || 0;
    }
    r = spline(r);
    g = spline(g);
    b = spline(b);
    color2.opacity = 1;
    return function(t) {
      color2.r = r(t);
      color2.g = g(t);
      color2.b = b(t);
      return color2 + "";
    };
  };
}
var rgbBasis = rgbSpline(basis$1);
var rgbBasisClosed = rgbSpline(basisClosed);
function numberArray(a, b) {
  if (!b) b = [];
  var n = a ? Math.min(b.length, a.length) : 0, c = b.slice(), i;
  return function(t) {
    for (i = 0; i < n; ++i) c[i] = a[i] * (1 - t) + b[i] * t;
    return c;
  };
}
function isNumberArray(x2) {
  return ArrayBuffer.isView(x2) && !(x2 instanceof DataView);
}
function genericArray(a, b) {
  var nb = b ? b.length : 0, na = a ? Math.min(nb, a.length) : 0, x2 = new Array(na), c = new Array(nb), i;
  for (i = 0; i < na; ++i) x2[i] = value(a[i], b[i]);
  for (; i < nb; ++i) c[i] = b[i];
  return function(t) {
    for (i = 0; i < na; ++i) c[i] = x2[i](t);
    return c;
  };
}
function date(a, b) {
  var d = /* @__PURE__ */ new Date();
  return a = +a, b = +b, function(t) {
    return d.setTime(a * (1 - t) + b * t), d;
  };
}
function number3(a, b) {
  return a = +a, b = +b, function(t) {
    return a * (1 - t) + b * t;
  };
}
function object(a, b) {
  var i = {}, c = {}, k;
  if (a === null || typeof a !== "object") a = {};
  if (b === null || typeof b !== "object") b = {};
  for (k in b) {
    if (k in a) {
      i[k] = value(a[k], b[k]);
    } else {
      c[k] = b[k];
    }
  }
  return function(t) {
    for (k in i) c[k] = i[k](t);
    return c;
  };
}
var reA = /[-+]?(?:\d+\.?\d*|\.?\d+)(?:[eE][-+]?\d+)?/g;
var reB = new RegExp(reA.source, "g");
function zero2(b) {
  return function() {
    return b;
  };
}
function one(b) {
  return function(t) {
    return b(t) + "";
  };
}
function string(a, b) {
  var bi = reA.lastIndex = reB.lastIndex = 0, am, bm, bs, i = -1, s = [], q = [];
  a = a + "", b = b + "";
  while ((am = reA.exec(a)) && (bm = reB.exec(b))) {
    if ((bs = bm.index) > bi) {
      bs = b.slice(bi, bs);
      if (s[i]) s[i] += bs;
      else s[++i] = bs;
    }
    if ((am = am[0]) === (bm = bm[0])) {
      if (s[i]) s[i] += bm;
      else s[++i] = bm;
    } else {
      s[++i] = null;
      q.push({ i, x: number3(am, bm) });
    }
    bi = reB.lastIndex;
  }
  if (bi < b.length) {
    bs = b.slice(bi);
    if (s[i]) s[i] += bs;
    else s[++i] = bs;
  }
  return s.length < 2 ? q[0] ? one(q[0].x) : zero2(b) : (b = q.length, function(t) {
    for (var i2 = 0, o; i2 < b; ++i2) s[(o = q[i2]).i] = o.x(t);
    return s.join("");
  });
}
function value(a, b) {
  var t = typeof b, c;
  return b == null || t === "boolean" ? constant(b) : (t === "number" ? number3 : t === "string" ? (c = color(b)) ? (b = c, rgb2) : string : b instanceof color ? rgb2 : b instanceof Date ? date : isNumberArray(b) ? numberArray : Array.isArray(b) ? genericArray : typeof b.valueOf !== "function" && typeof b.toString !== "function" || isNaN(b) ? object : number3)(a, b);
}
function round(a, b) {
  return a = +a, b = +b, function(t) {
    return Math.round(a * (1 - t) + b * t);
  };
}
var degrees2 = 180 / Math.PI;
var identity2 = {
  translateX: 0,
  translateY: 0,
  rotate: 0,
  skewX: 0,
  scaleX: 1,
  scaleY: 1
};
function decompose(a, b, c, d, e, f) {
  var scaleX, scaleY, skewX;
  if (scaleX = Math.sqrt(a * a + b * b)) a /= scaleX, b /= scaleX;
  if (skewX = a * c + b * d) c -= a * skewX, d -= b * skewX;
  if (scaleY = Math.sqrt(c * c + d * d)) c /= scaleY, d /= scaleY, skewX /= scaleY;
  if (a * d < b * c) a = -a, b = -b, skewX = -skewX, scaleX = -scaleX;
  return {
    translateX: e,
    translateY: f,
    rotate: Math.atan2(b, a) * degrees2,
    skewX: Math.atan(skewX) * degrees2,
    scaleX,
    scaleY
  };
}
var svgNode;
function parseCss(value2) {
  const m = new (typeof DOMMatrix === "function" ? DOMMatrix : WebKitCSSMatrix)(value2 + "");
  return m.isIdentity ? identity2 : decompose(m.a, m.b, m.c, m.d, m.e, m.f);
}
function parseSvg(value2) {
  if (value2 == null) return identity2;
  if (!svgNode) svgNode = document.createElementNS("http://www.w3.org/2000/svg", "g");
  svgNode.setAttribute("transform", value2);
  if (!(value2 = svgNode.transform.baseVal.consolidate())) return identity2;
  value2 = value2.matrix;
  return decompose(value2.a, value2.b, value2.c, value2.d, value2.e, value2.f);
}
function interpolateTransform(parse, pxComma, pxParen, degParen) {
  function pop(s) {
    return s.length ? s.pop() + " " : "";
  }
  function translate(xa, ya, xb, yb, s, q) {
    if (xa !== xb || ya !== yb) {
      var i = s.push("translate(", null, pxComma, null, pxParen);
      q.push({ i: i - 4, x: number3(xa, xb) }, { i: i - 2, x: number3(ya, yb) });
    } else if (xb || yb) {
      s.push("translate(" + xb + pxComma + yb + pxParen);
    }
  }
  function rotate(a, b, s, q) {
    if (a !== b) {
      if (a - b > 180) b += 360;
      else if (b - a > 180) a += 360;
      q.push({ i: s.push(pop(s) + "rotate(", null, degParen) - 2, x: number3(a, b) });
    } else if (b) {
      s.push(pop(s) + "rotate(" + b + degParen);
    }
  }
  function skewX(a, b, s, q) {
    if (a !== b) {
      q.push({ i: s.push(pop(s) + "skewX(", null, degParen) - 2, x: number3(a, b) });
    } else if (b) {
      s.push(pop(s) + "skewX(" + b + degParen);
    }
  }
  function scale(xa, ya, xb, yb, s, q) {
    if (xa !== xb || ya !== yb) {
      var i = s.push(pop(s) + "scale(", null, ",", null, ")");
      q.push({ i: i - 4, x: number3(xa, xb) }, { i: i - 2, x: number3(ya, yb) });
    } else if (xb !== 1 || yb !== 1) {
      s.push(pop(s) + "scale(" + xb + "," + yb + ")");
    }
  }
  return function(a, b) {
    var s = [], q = [];
    a = parse(a), b = parse(b);
    translate(a.translateX, a.translateY, b.translateX, b.translateY, s, q);
    rotate(a.rotate, b.rotate, s, q);
    skewX(a.skewX, b.skewX, s, q);
    scale(a.scaleX, a.scaleY, b.scaleX, b.scaleY, s, q);
    a = b = null;
    return function(t) {
      var i = -1, n = q.length, o;
      while (++i < n) s[(o = q[i]).i] = o.x(t);
      return s.join("");
    };
  };
}
var interpolateTransformCss = interpolateTransform(parseCss, "px, ", "px)", "deg)");
var interpolateTransformSvg = interpolateTransform(parseSvg, ", ", ")", ")");
var epsilon2 = 1e-12;
function cosh(x2) {
  return ((x2 = Math.exp(x2)) + 1 / x2) / 2;
}
function sinh(x2) {
  return ((x2 = Math.exp(x2)) - 1 / x2) / 2;
}
function tanh(x2) {
  return ((x2 = Math.exp(2 * x2)) - 1) / (x2 + 1);
}
var zoom = (function zoomRho(rho, rho2, rho4) {
  function zoom2(p0, p1) {
    var ux0 = p0[0], uy0 = p0[1], w0 = p0[2], ux1 = p1[0], uy1 = p1[1], w1 = p1[2], dx = ux1 - ux0, dy = uy1 - uy0, d2 = dx * dx + dy * dy, i, S;
    if (d2 < epsilon2) {
      S = Math.log(w1 / w0) / rho;
      i = function(t) {
        return [
          ux0 + t * dx,
          uy0 + t * dy,
          w0 * Math.exp(rho * t * S)
        ];
      };
    } else {
      var d1 = Math.sqrt(d2), b0 = (w1 * w1 - w0 * w0 + rho4 * d2) / (2 * w0 * rho2 * d1), b1 = (w1 * w1 - w0 * w0 - rho4 * d2) / (2 * w1 * rho2 * d1), r0 = Math.log(Math.sqrt(b0 * b0 + 1) - b0), r1 = Math.log(Math.sqrt(b1 * b1 + 1) - b1);
      S = (r1 - r0) / rho;
      i = function(t) {
        var s = t * S, coshr0 = cosh(r0), u = w0 / (rho2 * d1) * (coshr0 * tanh(rho * s + r0) - sinh(r0));
        return [
          ux0 + u * dx,
          uy0 + u * dy,
          w0 * coshr0 / cosh(rho * s + r0)
        ];
      };
    }
    i.duration = Math.abs(S) * 1e3 * rho / Math.SQRT2;
    return i;
  }
  zoom2.rho = function(_) {
    var _1 = Math.max(1e-3, +_), _2 = _1 * _1, _4 = _2 * _2;
    return zoomRho(_1, _2, _4);
  };
  return zoom2;
})(Math.SQRT2, 2, 4);
function hsl2(hue) {
  return function(start, end) {
    var h = hue((start = hsl(start)).h, (end = hsl(end)).h), s = nogamma(start.s, end.s), l = nogamma(start.l, end.l), opacity = nogamma(start.opacity, end.opacity);
    return function(t) {
      start.h = h(t);
      start.s = s(t);
      start.l = l(t);
      start.opacity = opacity(t);
      return start + "";
    };
  };
}
var hsl_default = hsl2(hue$1);
var hslLong = hsl2(nogamma);
function hcl2(hue) {
  return function(start, end) {
    var h = hue((start = hcl(start)).h, (end = hcl(end)).h), c = nogamma(start.c, end.c), l = nogamma(start.l, end.l), opacity = nogamma(start.opacity, end.opacity);
    return function(t) {
      start.h = h(t);
      start.c = c(t);
      start.l = l(t);
      start.opacity = opacity(t);
      return start + "";
    };
  };
}
var hcl_default = hcl2(hue$1);
var hclLong = hcl2(nogamma);
function cubehelix2(hue) {
  return (function cubehelixGamma(y) {
    y = +y;
    function cubehelix3(start, end) {
      var h = hue((start = cubehelix(start)).h, (end = cubehelix(end)).h), s = nogamma(start.s, end.s), l = nogamma(start.l, end.l), opacity = nogamma(start.opacity, end.opacity);
      return function(t) {
        start.h = h(t);
        start.s = s(t);
        start.l = l(Math.pow(t, y));
        start.opacity = opacity(t);
        return start + "";
      };
    }
    cubehelix3.gamma = cubehelixGamma;
    return cubehelix3;
  })(1);
}
var cubehelix_default = cubehelix2(hue$1);
var cubehelixLong = cubehelix2(nogamma);

// node_modules/d3-scale/dist/d3-scale.mjs
function initRange(domain, range2) {
  switch (arguments.length) {
    case 0:
      break;
    case 1:
      this.range(domain);
      break;
    default:
      this.range(range2).domain(domain);
      break;
  }
  return this;
}
function constants(x2) {
  return function() {
    return x2;
  };
}
function number$1(x2) {
  return +x2;
}
var unit = [0, 1];
function identity$1(x2) {
  return x2;
}
function normalize(a, b) {
  return (b -= a = +a) ? function(x2) {
    return (x2 - a) / b;
  } : constants(isNaN(b) ? NaN : 0.5);
}
function clamper(a, b) {
  var t;
  if (a > b) t = a, a = b, b = t;
  return function(x2) {
    return Math.max(a, Math.min(b, x2));
  };
}
function bimap(domain, range2, interpolate) {
  var d0 = domain[0], d1 = domain[1], r0 = range2[0], r1 = range2[1];
  if (d1 < d0) d0 = normalize(d1, d0), r0 = interpolate(r1, r0);
  else d0 = normalize(d0, d1), r0 = interpolate(r0, r1);
  return function(x2) {
    return r0(d0(x2));
  };
}
function polymap(domain, range2, interpolate) {
  var j = Math.min(domain.length, range2.length) - 1, d = new Array(j), r = new Array(j), i = -1;
  if (domain[j] < domain[0]) {
    domain = domain.slice().reverse();
    range2 = range2.slice().reverse();
  }
  while (++i < j) {
    d[i] = normalize(domain[i], domain[i + 1]);
    r[i] = interpolate(range2[i], range2[i + 1]);
  }
  return function(x2) {
    var i2 = bisectRight(domain, x2, 1, j) - 1;
    return r[i2](d[i2](x2));
  };
}
function copy$1(source, target) {
  return target.domain(source.domain()).range(source.range()).interpolate(source.interpolate()).clamp(source.clamp()).unknown(source.unknown());
}
function transformer$2() {
  var domain = unit, range2 = unit, interpolate$1 = value, transform, untransform, unknown, clamp = identity$1, piecewise2, output, input;
  function rescale() {
    var n = Math.min(domain.length, range2.length);
    if (clamp !== identity$1) clamp = clamper(domain[0], domain[n - 1]);
    piecewise2 = n > 2 ? polymap : bimap;
    output = input = null;
    return scale;
  }
  function scale(x2) {
    return x2 == null || isNaN(x2 = +x2) ? unknown : (output || (output = piecewise2(domain.map(transform), range2, interpolate$1)))(transform(clamp(x2)));
  }
  scale.invert = function(y) {
    return clamp(untransform((input || (input = piecewise2(range2, domain.map(transform), number3)))(y)));
  };
  scale.domain = function(_) {
    return arguments.length ? (domain = Array.from(_, number$1), rescale()) : domain.slice();
  };
  scale.range = function(_) {
    return arguments.length ? (range2 = Array.from(_), rescale()) : range2.slice();
  };
  scale.rangeRound = function(_) {
    return range2 = Array.from(_), interpolate$1 = round, rescale();
  };
  scale.clamp = function(_) {
    return arguments.length ? (clamp = _ ? true : identity$1, rescale()) : clamp !== identity$1;
  };
  scale.interpolate = function(_) {
    return arguments.length ? (interpolate$1 = _, rescale()) : interpolate$1;
  };
  scale.unknown = function(_) {
    return arguments.length ? (unknown = _, scale) : unknown;
  };
  return function(t, u) {
    transform = t, untransform = u;
    return rescale();
  };
}
function continuous() {
  return transformer$2()(identity$1, identity$1);
}
function tickFormat(start, stop, count, specifier) {
  var step = tickStep(start, stop, count), precision;
  specifier = formatSpecifier(specifier == null ? ",f" : specifier);
  switch (specifier.type) {
    case "s": {
      var value2 = Math.max(Math.abs(start), Math.abs(stop));
      if (specifier.precision == null && !isNaN(precision = precisionPrefix(step, value2))) specifier.precision = precision;
      return formatPrefix(specifier, value2);
    }
    case "":
    case "e":
    case "g":
    case "p":
    case "r": {
      if (specifier.precision == null && !isNaN(precision = precisionRound(step, Math.max(Math.abs(start), Math.abs(stop))))) specifier.precision = precision - (specifier.type === "e");
      break;
    }
    case "f":
    case "%": {
      if (specifier.precision == null && !isNaN(precision = precisionFixed(step))) specifier.precision = precision - (specifier.type === "%") * 2;
      break;
    }
  }
  return format(specifier);
}
function linearish(scale) {
  var domain = scale.domain;
  scale.ticks = function(count) {
    var d = domain();
    return ticks(d[0], d[d.length - 1], count == null ? 10 : count);
  };
  scale.tickFormat = function(count, specifier) {
    var d = domain();
    return tickFormat(d[0], d[d.length - 1], count == null ? 10 : count, specifier);
  };
  scale.nice = function(count) {
    if (count == null) count = 10;
    var d = domain();
    var i0 = 0;
    var i1 = d.length - 1;
    var start = d[i0];
    var stop = d[i1];
    var prestep;
    var step;
    var maxIter = 10;
    if (stop < start) {
      step = start, start = stop, stop = step;
      step = i0, i0 = i1, i1 = step;
    }
    while (maxIter-- > 0) {
      step = tickIncrement(start, stop, count);
      if (step === prestep) {
        d[i0] = start;
        d[i1] = stop;
        return domain(d);
      } else if (step > 0) {
        start = Math.floor(start / step) * step;
        stop = Math.ceil(stop / step) * step;
      } else if (step < 0) {
        start = Math.ceil(start * step) / step;
        stop = Math.floor(stop * step) / step;
      } else {
        break;
      }
      prestep = step;
    }
    return scale;
  };
  return scale;
}
function linear2() {
  var scale = continuous();
  scale.copy = function() {
    return copy$1(scale, linear2());
  };
  initRange.apply(scale, arguments);
  return linearish(scale);
}
function nice(domain, interval2) {
  domain = domain.slice();
  var i0 = 0, i1 = domain.length - 1, x0 = domain[i0], x1 = domain[i1], t;
  if (x1 < x0) {
    t = i0, i0 = i1, i1 = t;
    t = x0, x0 = x1, x1 = t;
  }
  domain[i0] = interval2.floor(x0);
  domain[i1] = interval2.ceil(x1);
  return domain;
}
function transformLog(x2) {
  return Math.log(x2);
}
function transformExp(x2) {
  return Math.exp(x2);
}
function transformLogn(x2) {
  return -Math.log(-x2);
}
function transformExpn(x2) {
  return -Math.exp(-x2);
}
function pow10(x2) {
  return isFinite(x2) ? +("1e" + x2) : x2 < 0 ? 0 : x2;
}
function powp(base) {
  return base === 10 ? pow10 : base === Math.E ? Math.exp : (x2) => Math.pow(base, x2);
}
function logp(base) {
  return base === Math.E ? Math.log : base === 10 && Math.log10 || base === 2 && Math.log2 || (base = Math.log(base), (x2) => Math.log(x2) / base);
}
function reflect(f) {
  return (x2, k) => -f(-x2, k);
}
function loggish(transform) {
  const scale = transform(transformLog, transformExp);
  const domain = scale.domain;
  let base = 10;
  let logs;
  let pows;
  function rescale() {
    logs = logp(base), pows = powp(base);
    if (domain()[0] < 0) {
      logs = reflect(logs), pows = reflect(pows);
      transform(transformLogn, transformExpn);
    } else {
      transform(transformLog, transformExp);
    }
    return scale;
  }
  scale.base = function(_) {
    return arguments.length ? (base = +_, rescale()) : base;
  };
  scale.domain = function(_) {
    return arguments.length ? (domain(_), rescale()) : domain();
  };
  scale.ticks = (count) => {
    const d = domain();
    let u = d[0];
    let v = d[d.length - 1];
    const r = v < u;
    if (r) [u, v] = [v, u];
    let i = logs(u);
    let j = logs(v);
    let k;
    let t;
    const n = count == null ? 10 : +count;
    let z = [];
    if (!(base % 1) && j - i < n) {
      i = Math.floor(i), j = Math.ceil(j);
      if (u > 0) for (; i <= j; ++i) {
        for (k = 1; k < base; ++k) {
          t = i < 0 ? k / pows(-i) : k * pows(i);
          if (t < u) continue;
          if (t > v) break;
          z.push(t);
        }
      }
      else for (; i <= j; ++i) {
        for (k = base - 1; k >= 1; --k) {
          t = i > 0 ? k / pows(-i) : k * pows(i);
          if (t < u) continue;
          if (t > v) break;
          z.push(t);
        }
      }
      if (z.length * 2 < n) z = ticks(u, v, n);
    } else {
      z = ticks(i, j, Math.min(j - i, n)).map(pows);
    }
    return r ? z.reverse() : z;
  };
  scale.tickFormat = (count, specifier) => {
    if (count == null) count = 10;
    if (specifier == null) specifier = base === 10 ? "s" : ",";
    if (typeof specifier !== "function") {
      if (!(base % 1) && (specifier = formatSpecifier(specifier)).precision == null) specifier.trim = true;
      specifier = format(specifier);
    }
    if (count === Infinity) return specifier;
    const k = Math.max(1, base * count / scale.ticks().length);
    return (d) => {
      let i = d / pows(Math.round(logs(d)));
      if (i * base < base - 0.5) i *= base;
      return i <= k ? specifier(d) : "";
    };
  };
  scale.nice = () => {
    return domain(nice(domain(), {
      floor: (x2) => pows(Math.floor(logs(x2))),
      ceil: (x2) => pows(Math.ceil(logs(x2)))
    }));
  };
  return scale;
}
function log() {
  const scale = loggish(transformer$2()).domain([1, 10]);
  scale.copy = () => copy$1(scale, log()).base(scale.base());
  initRange.apply(scale, arguments);
  return scale;
}

// src/plot/scales.ts
function scaleOf(axis, range2, room) {
  if (axis.scale === "band") return band(axis, range2, room);
  return axis.scale === "log" ? logarithmic(axis, range2, room) : linear3(axis, range2, room);
}
function linear3(axis, range2, room) {
  const scale = linear2(axis.domain, range2);
  const count = Math.max(2, Math.min(8, Math.floor(Math.abs(range2[1] - range2[0]) / room)));
  const values = scale.ticks(count);
  const small = values.some((value2) => value2 !== 0 && (Math.abs(value2) < 1e-3 || Math.abs(value2) >= 1e6));
  const format2 = small ? short : scale.tickFormat(count);
  const ticks2 = values.map((value2) => ({ at: scale(value2), label: format2(value2).replaceAll("-", "−") }));
  return { at: (value2) => scale(value2), invert: (pixel) => scale.invert(pixel), ticks: ticks2, width: 0 };
}
function logarithmic(axis, range2, room) {
  const scale = log(axis.domain, range2);
  const count = Math.max(2, Math.min(8, Math.floor(Math.abs(range2[1] - range2[0]) / room)));
  const ticks2 = logTicks(axis.domain, count).map((value2) => ({ at: scale(value2), label: logLabel(value2) }));
  return { at: (value2) => scale(value2), invert: (pixel) => scale.invert(pixel), ticks: ticks2, width: 0 };
}
function logTicks([low, high], most2) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const powers = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => 10 ** (first + i));
  if (powers.length > 2) return every(powers, most2);
  const between2 = Array.from({ length: last - first + 3 }, (_, i) => first - 1 + i).flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)).filter((value2) => value2 >= low && value2 <= high);
  const distinct = [...new Set(between2)].sort((a, b) => a - b);
  return distinct.length > 1 ? every(distinct, most2) : linear2([low, high], [0, 1]).ticks(most2);
}
function every(values, most2) {
  const each = Math.ceil(values.length / most2);
  return values.filter((_, i) => i % each === 0);
}
function logLabel(value2) {
  const power = Math.round(Math.log10(value2));
  const floor = Math.floor(Math.log10(value2) + 1e-9);
  const digit = value2 / 10 ** floor;
  if (Math.abs(floor) < 3) return short(value2);
  if (Math.abs(value2 / 10 ** power - 1) > 1e-9) return `${short(Number(digit.toPrecision(3)))}·${powerOfTen(floor)}`;
  return powerOfTen(power);
}
function powerOfTen(power) {
  return `10${superscript(power)}`;
}
function band(axis, [from, to], room) {
  const count = axis.names.length;
  const width2 = (to - from) / Math.max(1, count);
  const at2 = (index) => from + (index + 0.5) * width2;
  const most2 = Math.max(1, Math.floor(Math.abs(to - from) / room));
  const shown = every(
    axis.names.map((label, i) => ({ at: at2(i), label })),
    most2
  );
  const invert = (pixel) => Math.max(0, Math.min(count - 1, Math.floor((pixel - from) / width2)));
  return { at: at2, invert, ticks: shown, width: Math.abs(width2) };
}

// src/plot/surface.ts
var FONT = "Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif";
var SIZE = 11;
var CanvasSurface = class {
  #context;
  constructor(context) {
    this.#context = context;
  }
  rect(x2, y, width2, height, colour2, alpha = 1) {
    this.#context.globalAlpha = alpha;
    this.#context.fillStyle = colour2;
    this.#context.fillRect(x2, y, width2, height);
    this.#context.globalAlpha = 1;
  }
  path(points2, stroke, fill) {
    const context = this.#context;
    context.beginPath();
    let broken2 = true;
    for (const [x2, y] of points2) {
      if (Number.isNaN(y) || Number.isNaN(x2)) broken2 = true;
      else if (broken2) {
        context.moveTo(x2, y);
        broken2 = false;
      } else context.lineTo(x2, y);
    }
    if (fill) {
      context.globalAlpha = fill.alpha ?? 1;
      context.fillStyle = fill.colour;
      context.fill();
    }
    if (stroke) {
      context.globalAlpha = stroke.alpha ?? 1;
      context.strokeStyle = stroke.colour;
      context.lineWidth = stroke.width ?? 1.5;
      context.setLineDash(stroke.dash ? [...stroke.dash] : []);
      context.lineJoin = "round";
      context.stroke();
      context.setLineDash([]);
    }
    context.globalAlpha = 1;
  }
  dot(x2, y, radius, colour2) {
    this.#context.beginPath();
    this.#context.arc(x2, y, radius, 0, 2 * Math.PI);
    this.#context.fillStyle = colour2;
    this.#context.fill();
  }
  text(x2, y, text2, style) {
    const context = this.#context;
    context.save();
    context.font = `${style.size ?? SIZE}px ${FONT}`;
    context.fillStyle = style.colour;
    context.textAlign = style.align ?? "left";
    context.textBaseline = style.baseline ?? "middle";
    context.translate(x2, y);
    if (style.turned) context.rotate(-Math.PI / 2);
    context.fillText(text2, 0, 0);
    context.restore();
  }
  grid(x2, y, width2, height, columns, rows, rgba2) {
    if (!columns || !rows) return;
    const image = document.createElement("canvas");
    image.width = columns;
    image.height = rows;
    image.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(rgba2), columns, rows), 0, 0);
    this.#context.imageSmoothingEnabled = false;
    this.#context.drawImage(image, x2, y, width2, height);
  }
  clipped(x2, y, width2, height, body) {
    this.#context.save();
    this.#context.beginPath();
    this.#context.rect(x2, y, width2, height);
    this.#context.clip();
    body();
    this.#context.restore();
  }
  measure(text2, size) {
    this.#context.font = `${size}px ${FONT}`;
    return this.#context.measureText(text2).width;
  }
};

// src/plot/layout.ts
var LINE = 15;
var SWATCH = 16;
var MARGIN = { left: 56, right: 12, top: 6, bottom: 34 };
var LEAST_FRAME = 60;
function layout(plot, width2, height, measure, above = 0) {
  const left = plot.y.scale === "band" ? bandMargin(plot, width2, measure) : MARGIN.left;
  const [legend, legendEnd] = legendOf(plot, left, above, width2, height, measure);
  const [notes, top] = notesOf(plot, legendEnd, width2, height, measure);
  const frame = {
    x: left,
    y: top + 4,
    width: Math.max(1, width2 - left - MARGIN.right),
    height: Math.max(1, height - top - 4 - MARGIN.bottom)
  };
  const bottom = frame.y + frame.height;
  const downwards = plot.y.scale === "band";
  return {
    legend,
    notes,
    frame,
    x: scaleOf(plot.x, [frame.x, frame.x + frame.width], 62),
    y: scaleOf(
      plot.y,
      downwards ? [frame.y + ridgeRoom(plot, frame.height), bottom] : [bottom, frame.y],
      downwards ? 13 : 34
    )
  };
}
function ridgeRoom({ marks }, height) {
  const ridges = marks.find((mark) => mark.type === "ridges");
  if (!ridges) return 0;
  const above = ridges.signed ? ridges.overlap / 2 : ridges.overlap - 0.5;
  return height * above / (ridges.rows.length + above);
}
function barRoom({ range: range2 }, measure) {
  return { low: measure(short(range2[0]), SIZE) + 5, high: measure(short(range2[1]), SIZE) + 5 };
}
var BAR = 60;
function bandMargin(plot, width2, measure) {
  const names = plot.y.scale === "band" ? plot.y.names : [];
  const longest = names.reduce((most2, name) => Math.max(most2, name.length > 60 ? Infinity : measure(name, SIZE)), 0);
  return Math.max(36, Math.min(width2 / 3, 220, longest + 12)) + (plot.y.label ? 16 : 0);
}
function legendOf(plot, left, above, width2, height, measure) {
  const found = [];
  let x2 = left;
  let y = above + MARGIN.top + LINE / 2;
  for (const mark of plot.marks.filter((each) => each.label)) {
    const swatch = swatchRoom(mark, measure);
    const room = swatch + 5 + measure(mark.label, SIZE) + 14;
    if (x2 > left && x2 + room > width2) {
      x2 = left;
      y += LINE;
    }
    if (y + LINE > height - MARGIN.bottom - LEAST_FRAME) break;
    found.push({ x: x2, y, mark, swatch });
    x2 += room;
  }
  return [found, found.length ? y + LINE / 2 : above + MARGIN.top];
}
function swatchRoom(mark, measure) {
  if (mark.type !== "cells" || mark.palette === "mask") return SWATCH;
  const { low, high } = barRoom(mark, measure);
  return low + BAR + high;
}
function notesOf(plot, from, width2, height, measure) {
  const found = [];
  const most2 = plot.marks.length ? height - MARGIN.bottom - LEAST_FRAME : height - LINE;
  let y = from + LINE / 2;
  for (const note of plot.notes) {
    const indent = note.level === "warning" ? 16 : 0;
    const lines = wrapped(note.text, width2 - 24 - indent, measure);
    for (const text2 of lines) {
      if (y + LINE / 2 > most2) return [found, y - LINE / 2];
      found.push({ x: 12 + indent, y, text: text2, note, first: text2 === lines[0] });
      y += LINE;
    }
  }
  return [found, y - LINE / 2];
}
function wrapped(text2, width2, measure) {
  const lines = [];
  let line3 = "";
  for (const word of text2.split(" ")) {
    const longer = line3 ? `${line3} ${word}` : word;
    if (line3 && measure(longer, SIZE) > width2) {
      lines.push(cut(line3, width2, measure));
      line3 = word;
    } else line3 = longer;
  }
  return [...lines, cut(line3, width2, measure)];
}
function cut(text2, width2, measure, size = SIZE) {
  if (measure(text2.slice(0, 400), size) <= width2 && text2.length <= 400) return text2;
  let [low, high] = [0, Math.min(text2.length, 400)];
  while (low < high) {
    const middle = low + high + 1 >> 1;
    if (measure(shortened(text2, middle), size) <= width2) low = middle;
    else high = middle - 1;
  }
  return shortened(text2, low);
}
function shortened(text2, letters) {
  const tail3 = Math.floor(2 * letters / 3);
  return `${text2.slice(0, letters - tail3)}…${tail3 ? text2.slice(-tail3) : ""}`;
}

// src/plot/paint.ts
var DASH = [5, 3];
var HEADING = 24;
function paint(plot, surface, theme2, width2, height, heading2 = "") {
  const at2 = layout(plot, width2, height, (text2, size) => surface.measure(text2, size), heading2 ? HEADING : 0);
  const brush = { surface, theme: theme2, at: at2 };
  surface.rect(0, 0, width2, height, theme2.background);
  if (heading2) surface.text(12, HEADING / 2 + 2, heading2, { colour: theme2.ink, size: 13 });
  if (plot.marks.length) {
    const { x: x2, y, width: w, height: h } = at2.frame;
    paintGrid(plot, brush);
    surface.clipped(x2, y - 3, w + 1, h + 4, () => plot.marks.forEach((mark) => paintMark(mark, plot, brush)));
    paintAxes(plot, brush, height);
    paintLegend(brush);
  }
  for (const { x: x2, y, text: text2, note, first } of at2.notes) {
    if (first && note.level === "warning") surface.text(12, y, "⚠", { colour: theme2.colour("alert") });
    surface.text(x2, y, text2, { colour: theme2.muted });
  }
  return at2;
}
function segment(surface, x0, y0, x1, y1, stroke) {
  surface.path(
    [
      [x0, y0],
      [x1, y1]
    ],
    stroke
  );
}
function paintGrid(plot, { surface, theme: theme2, at: at2 }) {
  const { x: x2, y, width: width2, height } = at2.frame;
  const stroke = { colour: theme2.grid, width: 1 };
  if (plot.x.scale !== "band") {
    for (const tick of at2.x.ticks) segment(surface, tick.at, y, tick.at, y + height, stroke);
  }
  if (plot.y.scale !== "band") {
    for (const tick of at2.y.ticks) segment(surface, x2, tick.at, x2 + width2, tick.at, stroke);
  }
}
function paintAxes(plot, { surface, theme: theme2, at: at2 }, height) {
  const { frame } = at2;
  const bottom = frame.y + frame.height;
  const colour2 = theme2.muted;
  segment(surface, frame.x, bottom, frame.x + frame.width, bottom, { colour: colour2, width: 1 });
  let end = -Infinity;
  for (const tick of at2.x.ticks) {
    const half = surface.measure(tick.label, SIZE) / 2;
    const middle = Math.min(tick.at, frame.x + frame.width + 10 - half);
    if (middle - half < end + 6) continue;
    end = middle + half;
    surface.text(middle, bottom + 10, tick.label, { colour: colour2, align: "center" });
  }
  const room = frame.x - 8 - (plot.y.label ? 16 : 0);
  for (const tick of at2.y.ticks) {
    const label = plot.y.scale === "band" ? cut(tick.label, room, (text2, size) => surface.measure(text2, size)) : tick.label;
    surface.text(frame.x - 5, tick.at, label, { colour: colour2, align: "right" });
  }
  surface.text(frame.x + frame.width / 2, height - 8, plot.x.label, { colour: theme2.ink, align: "center" });
  surface.text(10, frame.y + frame.height / 2, plot.y.label, { colour: theme2.ink, align: "center", turned: true });
}
function paintLegend({ surface, theme: theme2, at: at2 }) {
  for (const { x: x2, y, mark, swatch } of at2.legend) {
    paintSwatch(mark, x2, y, { surface, theme: theme2, at: at2 });
    surface.text(x2 + swatch + 5, y, mark.label, { colour: theme2.ink });
  }
}
function paintSwatch(mark, x2, y, { surface, theme: theme2 }) {
  if (mark.type === "cells" && mark.palette !== "mask") return paintColourBar(mark, x2, y, surface, theme2);
  const colour2 = theme2.colour(mark.type === "cells" ? "measured" : mark.ink);
  if (mark.type === "bars" || mark.type === "ridges" || mark.type === "cells")
    surface.rect(x2 + 2, y - 5, SWATCH - 4, 10, colour2, 0.75);
  else if (mark.type === "points") surface.dot(x2 + SWATCH / 2, y, 3, colour2);
  else if (mark.type === "rug") segment(surface, x2 + SWATCH / 2, y - 5, x2 + SWATCH / 2, y + 5, { colour: colour2, width: 2 });
  else {
    const dash = mark.dashed ? { dash: DASH } : {};
    segment(surface, x2, y, x2 + SWATCH, y, { colour: colour2, width: 2, ...dash });
  }
}
function paintColourBar(mark, x2, y, surface, theme2) {
  const steps2 = 40;
  const width2 = BAR / steps2;
  const from = x2 + barRoom(mark, (text2, size) => surface.measure(text2, size)).low;
  const [low, high] = mark.range;
  for (let i = 0; i < steps2; i++) {
    surface.rect(
      from + width2 * i,
      y - 5,
      width2 + 0.1,
      10,
      rgb3(colourOf(mark, low + (high - low) * (i + 0.5) / steps2, theme2))
    );
  }
  surface.text(from - 4, y, short(low), { colour: theme2.muted, align: "right" });
  surface.text(from + BAR + 4, y, short(high), { colour: theme2.muted });
}
function hex2(colour2) {
  return [1, 3, 5].map((at2) => Number.parseInt(colour2.slice(at2, at2 + 2), 16));
}
function rgb3([r, g, b]) {
  return `rgb(${r},${g},${b})`;
}
function paintMark(mark, plot, brush) {
  switch (mark.type) {
    case "bars":
      return paintBars(mark, brush);
    case "outline":
      return paintOutline(mark, brush);
    case "line":
      return paintLine(mark, brush);
    case "points":
      return paintPoints(mark, brush);
    case "rule":
      return paintRule(mark.x, brush.theme.colour(mark.ink), mark.dashed ?? false, brush);
    case "rug":
      return paintRug(mark, brush);
    case "cells":
      return paintCells(mark, plot, brush);
    case "ridges":
      return paintRidges(mark, brush);
  }
}
function level(value2, { at: at2 }) {
  const pixel = at2.y.at(value2);
  const bottom = at2.frame.y + at2.frame.height;
  return Number.isFinite(pixel) ? Math.min(pixel, bottom + 20) : bottom;
}
function paintBars(mark, brush) {
  const colour2 = brush.theme.colour(mark.ink);
  for (let i = 0; i < mark.heights.length; i++) {
    const base = mark.base?.[i] ?? 0;
    if (mark.heights[i] === 0) continue;
    const [x0, x1] = [brush.at.x.at(mark.edges[i]), brush.at.x.at(mark.edges[i + 1])];
    const [from, to] = [level(base, brush), level(base + mark.heights[i], brush)];
    const gap = x1 - x0 > 4 ? 0.5 : 0;
    brush.surface.rect(x0 + gap, Math.min(from, to), x1 - x0 - 2 * gap, Math.abs(from - to), colour2, 0.72);
  }
}
function stairs(edges2, heights, y, x2) {
  const points2 = [[x2(edges2[0]), y(0)]];
  heights.forEach((height, i) => points2.push([x2(edges2[i]), y(height)], [x2(edges2[i + 1]), y(height)]));
  points2.push([x2(edges2[heights.length]), y(0)]);
  return points2;
}
function paintOutline(mark, brush) {
  const colour2 = brush.theme.colour(mark.ink);
  const points2 = stairs(mark.edges, mark.heights, (height) => level(height, brush), brush.at.x.at);
  brush.surface.path(points2, { colour: colour2, width: 1.6, ...mark.dashed ? { dash: DASH } : {} });
}
function paintLine(mark, brush) {
  const colour2 = brush.theme.colour(mark.ink);
  const points2 = Array.from(mark.x, (x2, i) => {
    const y = mark.y[i];
    return [brush.at.x.at(x2), Number.isNaN(y) ? y : level(y, brush)];
  });
  brush.surface.path(points2, { colour: colour2, width: mark.thin ? 1 : 1.8, ...mark.dashed ? { dash: DASH } : {} });
}
function paintPoints(mark, brush) {
  const colour2 = brush.theme.colour(mark.ink);
  for (let i = 0; i < mark.x.length; i++) {
    const [x2, y] = [brush.at.x.at(mark.x[i]), brush.at.y.at(mark.y[i])];
    if (Number.isFinite(x2) && Number.isFinite(y)) brush.surface.dot(x2, y, 2.2, colour2);
  }
}
function paintRule(x2, colour2, dashed, { surface, at: at2 }) {
  const pixel = at2.x.at(x2);
  const stroke = { colour: colour2, width: 1.4, ...dashed ? { dash: [2, 3] } : {} };
  segment(surface, pixel, at2.frame.y, pixel, at2.frame.y + at2.frame.height, stroke);
}
function paintRug(mark, { surface, theme: theme2, at: at2 }) {
  const bottom = at2.frame.y + at2.frame.height;
  for (let i = 0; i < mark.x.length; i++) {
    const x2 = at2.x.at(mark.x[i]);
    segment(surface, x2, bottom, x2, bottom - 9, { colour: theme2.colour(mark.ink), width: 1.5 });
  }
}
function colourOf(mark, value2, theme2) {
  const [low, high] = mark.range;
  if (mark.palette === "mask") return hex2(value2 ? theme2.colour("measured") : theme2.grid);
  if (mark.palette === "diverging") return theme2.diverging(value2 / (Math.max(-low, high) || 1));
  return theme2.sequential((value2 - low) / (high - low || 1));
}
function paintCells(mark, plot, { surface, theme: theme2, at: at2 }) {
  const rgba2 = new Uint8ClampedArray(4 * mark.columns * mark.rows);
  const upwards = plot.y.scale !== "band";
  for (let row = 0; row < mark.rows; row++) {
    const from = (upwards ? mark.rows - 1 - row : row) * mark.columns;
    for (let column = 0; column < mark.columns; column++) {
      const value2 = mark.values[from + column];
      if (mark.broken?.[from + column])
        rgba2.set([...hex2(theme2.colour("alert")), 90], 4 * (row * mark.columns + column));
      else if (!Number.isNaN(value2))
        rgba2.set([...colourOf(mark, value2, theme2), 255], 4 * (row * mark.columns + column));
    }
  }
  const { x: x2, y, width: width2, height } = at2.frame;
  surface.grid(x2, y, width2, height, mark.columns, mark.rows, rgba2);
}
function paintRidges(mark, { surface, theme: theme2, at: at2 }) {
  const colour2 = theme2.colour(mark.ink);
  const unit2 = mark.overlap * at2.y.width / (mark.most || 1);
  mark.rows.forEach((heights, row) => {
    const foot = at2.y.at(row);
    const points2 = ridge(mark.edges, heights, (height) => foot - height * unit2, at2.x.at);
    const fill = mark.signed ? void 0 : { colour: theme2.background, alpha: 0.85 };
    const alpha = 0.35 + 0.65 * (row + 1) / mark.rows.length;
    surface.path(points2, { colour: colour2, width: 1.2, alpha }, fill);
  });
}
function ridge(edges2, heights, y, x2) {
  const points2 = [[x2(edges2[0]), y(0)]];
  heights.forEach((height, i) => points2.push([(x2(edges2[i]) + x2(edges2[i + 1])) / 2, y(height)]));
  points2.push([x2(edges2[heights.length]), y(0)]);
  return points2;
}

// src/plot/svg.ts
var ANCHORS = { left: "start", center: "middle", right: "end" };
var SHIFTS = { top: "0.8em", middle: "0.35em", bottom: "-0.2em" };
var SvgSurface = class {
  #parts = [];
  #measure;
  #clips = 0;
  constructor(measure) {
    this.#measure = measure;
  }
  rect(x2, y, width2, height, colour2, alpha = 1) {
    const opacity = alpha < 1 ? ` fill-opacity="${round2(alpha)}"` : "";
    const place2 = `x="${round2(x2)}" y="${round2(y)}" width="${round2(width2)}" height="${round2(height)}"`;
    this.#parts.push(`<rect ${place2} fill="${escaped(colour2)}"${opacity}/>`);
  }
  path(points2, stroke, fill) {
    const lines = stroke ? strokeOf(stroke) : "";
    const area = fill ? `fill="${escaped(fill.colour)}" fill-opacity="${round2(fill.alpha ?? 1)}"` : 'fill="none"';
    this.#parts.push(`<path d="${pathData(points2)}" ${area}${lines}/>`);
  }
  dot(x2, y, radius, colour2) {
    this.#parts.push(`<circle cx="${round2(x2)}" cy="${round2(y)}" r="${round2(radius)}" fill="${escaped(colour2)}"/>`);
  }
  text(x2, y, text2, style) {
    const turn = style.turned ? ` transform="rotate(-90 ${round2(x2)} ${round2(y)})"` : "";
    const place2 = `x="${round2(x2)}" y="${round2(y)}" dy="${SHIFTS[style.baseline ?? "middle"]}"`;
    const look = `font-size="${style.size ?? SIZE}" fill="${escaped(style.colour)}" text-anchor="${ANCHORS[style.align ?? "left"]}"`;
    this.#parts.push(`<text ${place2} ${look}${turn}>${escaped(text2)}</text>`);
  }
  /** Runs of one colour in a row become one rectangle. */
  grid(x2, y, width2, height, columns, rows, rgba2) {
    const [w, h] = [width2 / columns, height / rows];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; ) {
        const colour2 = colourAt(rgba2, row * columns + column);
        let end = column + 1;
        while (end < columns && colourAt(rgba2, row * columns + end) === colour2) end++;
        if (colour2) this.rect(x2 + column * w, y + row * h, (end - column) * w + 0.05, h + 0.05, colour2);
        column = end;
      }
    }
  }
  clipped(x2, y, width2, height, body) {
    const id = `clip${this.#clips++}`;
    const place2 = `x="${round2(x2)}" y="${round2(y)}" width="${round2(width2)}" height="${round2(height)}"`;
    this.#parts.push(`<clipPath id="${id}"><rect ${place2}/></clipPath><g clip-path="url(#${id})">`);
    body();
    this.#parts.push("</g>");
  }
  measure(text2, size) {
    return this.#measure(text2, size);
  }
  document(width2, height) {
    const size = `width="${width2}" height="${height}" viewBox="0 0 ${width2} ${height}"`;
    const font = `font-family="${escaped(FONT)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>
${this.#parts.join("\n")}
</svg>
`;
  }
};
function strokeOf(stroke) {
  const dash = stroke.dash ? ` stroke-dasharray="${stroke.dash.join(" ")}"` : "";
  const alpha = stroke.alpha !== void 0 ? ` stroke-opacity="${round2(stroke.alpha)}"` : "";
  return ` stroke="${escaped(stroke.colour)}" stroke-width="${stroke.width ?? 1.5}" stroke-linejoin="round"${dash}${alpha}`;
}
function pathData(points2) {
  let broken2 = true;
  return points2.map(([x2, y]) => {
    if (Number.isNaN(x2) || Number.isNaN(y)) {
      broken2 = true;
      return "";
    }
    const command = broken2 ? "M" : "L";
    broken2 = false;
    return `${command}${round2(x2)} ${round2(y)}`;
  }).join("");
}
function round2(value2) {
  return String(Math.round(100 * value2) / 100);
}
function colourAt(rgba2, cell2) {
  const [r, g, b, a] = rgba2.subarray(4 * cell2, 4 * cell2 + 4);
  return a ? `rgb(${r},${g},${b})` : "";
}
var ENTITIES = /* @__PURE__ */ new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"]
]);
function escaped(text2) {
  return text2.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/[&<>"]/g, (mark) => ENTITIES.get(mark));
}

// src/ui/files.ts
var SCALE = 2;
function save(name, data, type = "text/plain") {
  const url = URL.createObjectURL(typeof data === "string" ? new Blob([data], { type }) : data);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1e4);
}
function fileName(plot, extension) {
  const step = plot.step === null ? "" : `_step_${plot.step}`;
  const stem = `${plot.title}_${plot.kind}${step}`.replace(/[^\p{L}\p{N}.-]+/gu, "_").replace(/^[._]+|_+$/g, "");
  return `${stem.slice(0, 120) || "redundancy"}.${extension}`;
}
function heading(plot) {
  const runs = plot.runs.length > 3 ? `${plot.runs.length} runs` : plot.runs.join(", ");
  return `${plot.title} · ${plot.kind}${plot.step === null ? "" : ` · step ${plot.step}`}${runs ? ` · ${runs}` : ""}`.slice(
    0,
    160
  );
}
function savePng(plot, theme2, width2, height) {
  const canvas = el("canvas", { width: String(SCALE * width2), height: String(SCALE * (height + 24)) });
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  paint(plot, new CanvasSurface(context), theme2, width2, height + 24, heading(plot));
  canvas.toBlob((blob) => blob && save(fileName(plot, "png"), blob));
}
function svgOf(plot, theme2, width2, height) {
  const ruler = new CanvasSurface(el("canvas").getContext("2d"));
  const surface = new SvgSurface((text2, size) => ruler.measure(text2, size));
  paint(plot, surface, theme2, width2, height + 24, heading(plot));
  return surface.document(width2, height + 24);
}
function saveSvg(plot, theme2, width2, height) {
  save(fileName(plot, "svg"), svgOf(plot, theme2, width2, height), "image/svg+xml");
}
function saveCsv(plot) {
  save(fileName(plot, "csv"), csv(plot), "text/csv");
}

// src/ui/card.ts
var Card = class {
  element;
  visible = false;
  sighted = false;
  // whether it is known if it is visible
  plot = null;
  #spec;
  #theme;
  #painted = "";
  #layout = null;
  #size = { width: 0, height: 0 };
  #pin = null;
  #pointer = null;
  #canvas = el("canvas", { class: "plot", role: "img", tabindex: "0" });
  #over = el("canvas", { class: "over", "aria-hidden": "true" });
  #title;
  #subtitle = el("span", { class: "subtitle" });
  #tip = el("div", { class: "tip", role: "status" });
  #state = el("div", { class: "state" });
  #holder = el("div", { class: "holder" }, this.#canvas, this.#over, this.#state, this.#tip);
  #npz = el("a", { class: "file", title: "every step of the series, as NumPy arrays", download: "" }, "NPZ");
  constructor(spec, theme2) {
    this.#spec = spec;
    this.#theme = theme2;
    this.#title = spec.open ? button(spec.title, "", () => this.#spec.open?.(), "title") : el("span", { class: "title" }, spec.title);
    const files = el("span", { class: "files" }, ...this.#files());
    this.element = el("figure", { class: spec.wide ? "card wide" : "card" });
    this.element.append(el("figcaption", {}, el("h3", {}, this.#title), this.#subtitle, files), this.#holder);
    this.#listen();
  }
  get spec() {
    return this.#spec;
  }
  #files() {
    const size = () => [this.#size.width, this.#size.height];
    const named4 = (text2, does) => button(text2, `save as ${text2}`, () => this.plot && does(this.plot), "file");
    return [
      named4("PNG", (plot) => savePng(plot, this.#theme, ...size())),
      named4("SVG", (plot) => saveSvg(plot, this.#theme, ...size())),
      named4("CSV", (plot) => saveCsv(plot)),
      this.#npz
    ];
  }
  /** What is to be shown from now on; pixels follow with `show`. */
  update(spec, theme2) {
    this.#spec = spec;
    this.#theme = theme2;
    setText(this.#title, spec.title);
    this.#title.title = spec.title;
    setText(this.#subtitle, spec.subtitle);
    this.#holder.style.height = `${spec.height}px`;
    this.#npz.hidden = spec.series === null;
    if (spec.series) this.#npz.href = exportUrl(spec.series.run, spec.series.tag, "npz");
  }
  show() {
    const width2 = this.#holder.clientWidth;
    const { height, stamp } = this.#spec;
    if (!width2) return;
    const wanted = `${width2} ${height} ${window.devicePixelRatio} ${this.#theme.dark} ${stamp}`;
    if (wanted !== this.#painted) {
      this.#painted = wanted;
      this.#size = { width: width2, height };
      this.plot = this.#spec.build();
      this.#layout = paint(
        this.plot,
        new CanvasSurface(sized(this.#canvas, width2, height)),
        this.#theme,
        width2,
        height
      );
      this.#canvas.setAttribute("aria-label", words(this.plot));
    }
    const empty = this.#spec.loading && !this.plot?.marks.length;
    setText(this.#state, this.#spec.loading ? empty ? "Loading …" : "loading the other steps …" : "");
    this.#state.className = empty ? "state all" : "state";
    this.#paintOver();
  }
  /** Off the screen: the pixels go. */
  hide() {
    this.#canvas.width = this.#over.width = 0;
    this.#painted = "";
    this.plot = null;
    this.#layout = null;
  }
  #paintOver() {
    const { width: width2, height } = this.#size;
    const surface = new CanvasSurface(sized(this.#over, width2, height));
    if (!this.plot || !this.#layout) return;
    const { frame } = this.#layout;
    const cursor = this.#cursor();
    const line3 = (x0, y0, x1, y1) => {
      const path = [
        [x0, y0],
        [x1, y1]
      ];
      surface.path(path, { colour: this.#theme.background, width: 3.5, alpha: 0.7 });
      surface.path(path, { colour: this.#theme.ink, width: 1.3 });
    };
    if (cursor?.axis === "x") line3(cursor.at, frame.y, cursor.at, frame.y + frame.height);
    if (cursor?.axis === "y") line3(frame.x - 4, cursor.at, frame.x, cursor.at);
    this.#paintReading(surface);
  }
  #paintReading(surface) {
    const at2 = this.#pointer ?? this.#pinned();
    const reading = at2 && this.plot && this.#layout ? read(this.plot, this.#layout, at2.x, at2.y) : null;
    this.#tip.hidden = !reading;
    if (!reading) this.#tip.classList.remove("pinned");
    if (!reading || !at2) return;
    const { frame } = this.#layout;
    const stroke = { colour: this.#theme.muted, width: 1, dash: [3, 3] };
    surface.path(
      [
        [reading.x, frame.y],
        [reading.x, frame.y + frame.height]
      ],
      stroke
    );
    if (this.#pin) surface.dot(reading.x, frame.y + frame.height, 4, this.#theme.colour("alert"));
    this.#tell(reading, at2);
  }
  #tell(reading, at2) {
    const lines = [reading.head, ...reading.lines];
    this.#tip.replaceChildren(...lines.map((line3) => el("div", {}, line3)));
    const right = at2.x > this.#size.width / 2;
    this.#tip.classList.toggle("pinned", this.#pin !== null && this.#pointer === null);
    this.#tip.style.left = right ? "auto" : `${at2.x + 12}px`;
    this.#tip.style.right = right ? `${this.#size.width - at2.x + 12}px` : "auto";
    this.#tip.style.top = `${Math.max(0, Math.min(at2.y, this.#size.height - 18 * lines.length - 12))}px`;
  }
  /** The pin in pixels of the present axes. */
  #pinned() {
    if (!this.#pin || !this.#layout) return null;
    return { x: this.#layout.x.at(this.#pin.x), y: this.#layout.y.at(this.#pin.y) };
  }
  #cursor() {
    const cursor = this.plot?.cursor;
    if (!cursor || !this.#layout) return null;
    const { axis, steps: steps2 } = cursor;
    const { step } = this.#spec;
    if (steps2 === null) return step === null ? null : { axis, at: this.#layout[axis].at(step) };
    const index = step === null ? steps2.length - 1 : nearest(steps2, step);
    return index < 0 ? null : { axis, at: this.#layout[axis].at(index) };
  }
  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => this.#point({ x: event.offsetX, y: event.offsetY }));
    canvas.addEventListener("pointerleave", () => this.#point(null));
    canvas.addEventListener("blur", () => this.#point(null));
    canvas.addEventListener("click", (event) => this.#togglePin({ x: event.offsetX, y: event.offsetY }));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }
  #point(at2) {
    this.#pointer = at2;
    this.#paintOver();
  }
  #togglePin(at2) {
    const { x: x2, y } = this.#layout ?? {};
    const old = this.#pinned();
    const again = at2 && old && Math.abs(old.x - at2.x) < 6;
    this.#pin = !at2 || again || !x2 || !y ? null : { x: x2.invert(at2.x), y: y.invert(at2.y) };
    this.#paintOver();
  }
  #key(event) {
    const frame = this.#layout?.frame;
    if (!frame) return;
    const at2 = this.#pointer ?? { x: frame.x + frame.width / 2, y: frame.y + frame.height / 2 };
    const moves = /* @__PURE__ */ new Map([
      ["ArrowLeft", [-1, 0]],
      ["ArrowRight", [1, 0]],
      ["ArrowUp", [0, -1]],
      ["ArrowDown", [0, 1]]
    ]);
    const move = moves.get(event.key);
    if (move) {
      const clamp = (value2, low, size) => Math.max(low, Math.min(low + size, value2));
      const x2 = clamp(at2.x + move[0] * frame.width / 60, frame.x, frame.width);
      this.#point({ x: x2, y: clamp(at2.y + move[1] * frame.height / 30, frame.y, frame.height) });
    } else if (event.key === "Enter") this.#togglePin(at2);
    else if (event.key === "Escape") this.#togglePin(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
};
function sized(canvas, width2, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width2 * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width2, height);
  return context;
}
function words(plot) {
  const step = plot.step === null ? "" : `, step ${plot.step}`;
  const labels = plot.marks.map((mark) => mark.label).filter((label) => label);
  const notes = plot.notes.map(({ level: level2, text: text2 }) => level2 === "warning" ? `Warning: ${text2}` : text2);
  return [`${plot.kind} of ${plot.title}${step}`, ...labels, ...notes].join(". ");
}

// src/ui/grid.ts
var Grid = class {
  element = el("div", { class: "grid" });
  #cards = /* @__PURE__ */ new Map();
  #byElement = /* @__PURE__ */ new WeakMap();
  #seen;
  #resized;
  constructor(changed) {
    this.#seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) this.#sight(entry);
        changed();
      },
      { rootMargin: "120px" }
    );
    this.#resized = new ResizeObserver(changed);
    this.#resized.observe(this.element);
  }
  /** Whether it is known of every card if it is on the screen, and those that are have all their steps. */
  get settled() {
    return [...this.#cards.values()].every((card2) => card2.sighted && !(card2.visible && card2.spec.loading));
  }
  #sight(entry) {
    const card2 = this.#byElement.get(entry.target);
    if (!card2) return;
    card2.visible = entry.isIntersecting;
    card2.sighted = true;
    if (!card2.visible) card2.hide();
  }
  get visible() {
    return [...this.#cards.values()].filter((card2) => card2.visible);
  }
  /** The cards in this order; those that were there keep their pins and their place on the screen. */
  update(specs, theme2) {
    const wanted = new Set(specs.map(({ id }) => id));
    for (const [id, card2] of this.#cards) if (!wanted.has(id)) this.#remove(id, card2);
    let before = this.element.firstElementChild;
    for (const spec of specs) {
      const card2 = this.#cards.get(spec.id) ?? this.#add(spec, theme2);
      card2.update(spec, theme2);
      if (card2.element === before) before = before.nextElementSibling;
      else this.element.insertBefore(card2.element, before);
    }
  }
  #add(spec, theme2) {
    const card2 = new Card(spec, theme2);
    this.#cards.set(spec.id, card2);
    this.#byElement.set(card2.element, card2);
    this.#seen.observe(card2.element);
    return card2;
  }
  #remove(id, card2) {
    this.#seen.unobserve(card2.element);
    card2.element.remove();
    this.#cards.delete(id);
  }
  paint() {
    for (const card2 of this.visible) card2.show();
  }
};

// src/pictures/overtime.ts
var MOST_RIDGES = 40;
var OVERLAP = 2.6;
function rowsOf(events, shown, minus) {
  return events.map((event) => {
    const heights = shown.heights(event);
    const other = minus ? nearestEvent(minus.events, event.step) : void 0;
    if (!other) return heights;
    const second = shown.heights(other);
    return heights.map((height, i) => height - second[i]);
  });
}
function named3(source, minus, label) {
  return minus ? `${label}: ${source.run} − ${minus.run}` : label;
}
function ridgePlot(layer, source, minus, events, shown) {
  const runs = minus ? [source.run, minus.run] : [source.run];
  if (!events.length) return emptyPlot(layer, shown.kind, runs, [warning("no step lies in the range")]);
  const chosen = thinned(events, MOST_RIDGES);
  const rows = rowsOf(chosen.events, shown, minus);
  return {
    title: layer,
    kind: `${shown.kind} ridges`,
    runs,
    step: null,
    x: shown.axis,
    y: { scale: "band", label: "step", names: steps(chosen.events) },
    marks: [
      {
        type: "ridges",
        label: named3(source, minus, shown.label),
        ink: `run:${source.colour}`,
        edges: shown.edges,
        rows,
        most: Math.max(...rows.map((row) => row.reduce((a, b) => Math.max(a, Math.abs(b)), 0))),
        overlap: Math.min(OVERLAP, Math.max(0.8, chosen.events.length / 3)),
        signed: minus !== null
      }
    ],
    notes: [...chosen.notes, ...shown.notes],
    cursor: { axis: "y", steps: chosen.events.map(({ step }) => step) }
  };
}
function heatPlot(layer, source, minus, events, shown) {
  const runs = minus ? [source.run, minus.run] : [source.run];
  if (!events.length) return emptyPlot(layer, shown.kind, runs, [warning("no step lies in the range")]);
  const columns = rowsOf(events, shown, minus);
  const bins = shown.edges.length - 1;
  const values = new Float64Array(bins * events.length);
  columns.forEach(
    (heights, column) => heights.forEach((height, bin) => values[bin * events.length + column] = height === 0 ? Number.NaN : height)
  );
  const x2 = events.map((_, i) => i);
  const lines = minus ? [] : shown.curves.map((curve2) => line2(curve2, events, x2));
  return {
    title: layer,
    kind: `${shown.kind} heat map`,
    runs,
    step: null,
    x: { scale: "band", label: "step", names: steps(events) },
    y: shown.axis,
    marks: [
      {
        type: "cells",
        label: named3(source, minus, shown.label),
        columns: events.length,
        rows: bins,
        values,
        range: rangeOf(values, minus !== null),
        palette: minus ? "diverging" : "sequential",
        broken: brokenCells(events, bins, shown)
      },
      ...lines.filter((each) => each !== null)
    ],
    notes: shown.notes,
    cursor: { axis: "x", steps: events.map(({ step }) => step) }
  };
}
function brokenCells(events, bins, shown) {
  const broken2 = events.map((event) => Number(shown.broken?.(event) ?? false));
  return Uint8Array.from({ length: bins * events.length }, (_, i) => broken2[i % events.length]);
}
function line2(curve2, events, x2) {
  const y = events.map((event) => curve2.at(event));
  const dashed = curve2.dashed ? { dashed: true } : {};
  return y.some(Number.isFinite) ? { type: "line", label: curve2.label, ink: curve2.ink, x: x2, y, ...dashed } : null;
}
function rangeOf(values, difference) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  const high = finite.reduce((a, b) => Math.max(a, b));
  const low = finite.reduce((a, b) => Math.min(a, b));
  const most2 = Math.max(high, -low) || 1;
  return difference ? [-most2, most2] : [Math.min(low, 0), Math.max(high, low < 0 ? high : 0)];
}
function steps(events) {
  return events.map((event) => short(event.step));
}

// src/pictures/angles.ts
var KIND = "angles";
var MOST_CLUSTERS = 8;
function unitAngles(event) {
  const half = event.data.length / 2;
  return { angles: event.data.subarray(0, half), clusters: event.data.subarray(half) };
}
function degreeEdges(high, width2) {
  return Float64Array.from({ length: Math.max(1, Math.ceil(high / width2)) + 1 }, (_, i) => i * width2);
}
function greatest(events) {
  return remembered(
    events,
    "greatest angle",
    () => events.reduce((most2, event) => unitAngles(event).angles.reduce((a, b) => b > a ? b : a, most2), 0)
  );
}
function live({ angles: angles2 }) {
  return angles2.reduce((count, angle) => count + (Number.isFinite(angle) ? 1 : 0), 0);
}
function axisTo(high) {
  return { scale: "linear", label: "angle to the cluster centre (°)", domain: [0, high] };
}
function rebinned(counts, edges2, total2) {
  const sum = Array.from(counts).reduce((a, b) => a + b, 0);
  const found = new Float64Array(edges2.length - 1);
  for (let degree = 0; degree < counts.length; degree++) {
    const bin = Math.floor(degree / (edges2[1] - edges2[0]));
    if (bin < found.length) found[bin] += counts[degree] * total2 / (sum || 1);
  }
  return found;
}
function anglesPlot(layer, sources, nulls, options) {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  if (!now.length) return emptyPlot(layer, KIND, runs, [warning("no angles at this step")]);
  const first = now[0];
  const null_ = nearestEvent(nulls.get(first.run) ?? [], first.event.step);
  const edges2 = degreeEdges(farthest(now, null_, options), options.degrees);
  const drawn2 = now.length === 1 ? oneRun(first, edges2, options) : now.map((each) => overlaid(each, edges2));
  const marks = [
    ...drawn2,
    ...null_ ? [nullOutline(null_, edges2, live(unitAngles(first.event)))] : [],
    { type: "rule", label: `${short(options.threshold)}°`, ink: "alert", x: options.threshold, dashed: true }
  ];
  return {
    title: layer,
    kind: KIND,
    runs,
    step: first.event.step,
    x: axisTo(edges2[edges2.length - 1]),
    y: {
      scale: "linear",
      label: `units per ${short(options.degrees)}°`,
      domain: [0, highest(now, marks, edges2, options)]
    },
    marks,
    notes: countNotes(now, null_, options)
  };
}
function farthest(now, null_, options) {
  const measured = now.map(({ events, event }) => greatest(options.fixed || options.ghost ? events : [event]));
  const drawn2 = null_ ? null_.data.reduce((most2, count, degree) => count > 0 ? degree + 1 : most2, 0) : 0;
  return Math.min(180, Math.max(5, drawn2, options.threshold, ...measured) + 1);
}
function oneRun({ event, events }, edges2, options) {
  const first = events[0];
  const ghost2 = options.ghost && first.step !== event.step ? [
    {
      type: "outline",
      label: `step ${short(first.step)}`,
      ink: "ghost",
      edges: edges2,
      heights: histogram(unitAngles(first).angles, null, edges2)
    }
  ] : [];
  return [...stacked(unitAngles(event), edges2), ...ghost2];
}
function stacked({ angles: angles2, clusters }, edges2) {
  const names = [...new Set(clusters)].filter(Number.isFinite).sort((a, b) => a - b);
  if (names.length > MOST_CLUSTERS) {
    const label = `${counted(angles2.length, "unit")} in ${names.length} clusters`;
    return [{ type: "bars", label, ink: "measured", edges: edges2, heights: histogram(angles2, null, edges2) }];
  }
  let base = new Float64Array(edges2.length - 1);
  return names.map((name, i) => {
    const members = angles2.filter((_, unit2) => clusters[unit2] === name);
    const heights = histogram(members, null, edges2);
    const below = base;
    base = base.map((height, bin) => height + heights[bin]);
    return {
      type: "bars",
      label: `cluster ${short(name + 1)}: ${members.length}`,
      ink: `cluster:${i}`,
      edges: edges2,
      heights,
      base: below
    };
  });
}
function overlaid({ event, ink, name }, edges2) {
  return { type: "outline", label: name, ink, edges: edges2, heights: histogram(unitAngles(event).angles, null, edges2) };
}
function nullOutline(event, edges2, units) {
  const heights = rebinned(event.data, edges2, units);
  return {
    type: "outline",
    label: "null: uniform directions",
    ink: "noise",
    edges: edges2,
    heights,
    dashed: true
  };
}
function highest(now, marks, edges2, options) {
  const shown = marks.flatMap(
    (mark) => "heights" in mark ? Array.from(mark.heights, (height, i) => height + ("base" in mark ? mark.base?.[i] ?? 0 : 0)) : []
  );
  const every2 = options.fixed ? now.map(({ events }) => mostUnits(events, edges2)) : [];
  return 1.08 * Math.max(1, ...shown, ...every2);
}
function mostUnits(events, edges2) {
  return remembered(
    events,
    `most units ${edges2.length} ${edges2[1]}`,
    () => events.reduce((most2, event) => Math.max(most2, ...histogram(unitAngles(event).angles, null, edges2)), 0)
  );
}
function countNotes(now, null_, options) {
  const dead = now.flatMap(({ name, event }) => {
    const shown = unitAngles(event);
    const lost = shown.angles.length - live(shown);
    const prefix = now.length > 1 ? `${name}: ` : "";
    return lost ? [warning(`${prefix}${counted(lost, "dead unit")} without a direction`)] : [];
  });
  const words2 = (each) => withinWords(each, null_, options);
  if (now.length > 1) return [...sayOfEach(now, words2), ...dead];
  const [mean, nullMean, sd] = ["mean", "null_mean", "null_sd"].map((name) => now[0].event.head(name));
  const means = `mean ${mean.toFixed(1)}°, null ${nullMean.toFixed(1)} ± ${sd.toFixed(1)}°`;
  return [info(words2(now[0])), info(means), ...dead];
}
function withinWords({ event }, null_, options) {
  const shown = unitAngles(event);
  const units = live(shown);
  const within_ = shown.angles.reduce((count, angle) => count + (angle <= options.threshold ? 1 : 0), 0);
  const expected = null_ ? expectedWithin(null_.data, options.threshold, units) : Number.NaN;
  const beside = Number.isNaN(expected) ? "" : ` (null ${short(Number(expected.toPrecision(3)))})`;
  return `${within_} of ${counted(units, "unit")} within ${short(options.threshold)}°${beside}`;
}
function expectedWithin(counts, threshold, units) {
  let [below, all] = [0, 0];
  for (let degree = 0; degree < counts.length; degree++) {
    all += counts[degree];
    below += counts[degree] * Math.max(0, Math.min(1, threshold - degree));
  }
  return below / all * units;
}
function anglesDifference(layer, a, b, options) {
  const now = at([a, b], options.step);
  if (now.length < 2)
    return emptyPlot(
      layer,
      KIND,
      now.map(({ run }) => run),
      [warning("A − B needs angles in both runs")]
    );
  const edges2 = degreeEdges(farthest(now, void 0, options), options.degrees);
  const [first, second] = now.map(({ event }) => histogram(unitAngles(event).angles, null, edges2));
  const heights = first.map((height, i) => height - second[i]);
  const top = 1.1 * Math.max(1, ...heights.map(Math.abs));
  return {
    title: layer,
    kind: KIND,
    runs: now.map(({ run }) => run),
    step: now[0].event.step,
    x: axisTo(edges2[edges2.length - 1]),
    y: { scale: "linear", label: `difference of units per ${short(options.degrees)}°`, domain: [-top, top] },
    marks: [{ type: "bars", label: `${now[0].name} − ${now[1].name}`, ink: "measured", edges: edges2, heights }],
    notes: []
  };
}
function anglesOverTime(shape2, layer, source, minus, options) {
  const events = within(source.events, options);
  const high = Math.max(greatest(source.events), minus ? greatest(minus.events) : 0);
  const edges2 = degreeEdges(Math.min(180, high + 1), options.degrees);
  const mean = "alert";
  const shown = {
    kind: KIND,
    axis: axisTo(edges2[edges2.length - 1]),
    edges: edges2,
    label: `units per ${short(options.degrees)}°`,
    heights: (event) => histogram(unitAngles(event).angles, null, edges2),
    curves: [
      { label: "mean", ink: mean, at: (event) => event.head("mean") },
      { label: "mean of the null", ink: mean, dashed: true, at: (event) => event.head("null_mean") }
    ],
    notes: []
  };
  return (shape2 === "ridges" ? ridgePlot : heatPlot)(layer, source, minus, events, shown);
}

// src/maths/laws.ts
function marchenkoPasturEdges(q, sigma2) {
  return [sigma2 * (1 - 1 / Math.sqrt(q)) ** 2, sigma2 * (1 + 1 / Math.sqrt(q)) ** 2];
}
function marchenkoPastur(lambda, q, sigma2) {
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  if (!(lambda > low && lambda < high && lambda > 0)) return 0;
  return q / (2 * Math.PI * sigma2) * Math.sqrt((high - lambda) * (lambda - low)) / lambda;
}
function marchenkoPasturAbove(lambda, q, sigma2) {
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  const middle = (low + high) / 2;
  const radius = (high - low) / 2;
  const nodes = 400;
  const above = new Float64Array(nodes + 1);
  for (let k = 0; k < nodes; k++) {
    const theta = Math.PI * (k + 0.5) / nodes;
    const at2 = middle + radius * Math.cos(theta);
    above[k + 1] = above[k] + marchenkoPastur(at2, q, sigma2) * radius * Math.sin(theta) * Math.PI / nodes;
  }
  return Float64Array.from(lambda, (x2) => {
    const cosine = Math.max(-1, Math.min(1, (x2 - middle) / radius));
    const place2 = Math.acos(cosine) / Math.PI * nodes;
    const k = Math.min(nodes - 1, Math.floor(place2));
    return above[k] + (place2 - k) * (above[k + 1] - above[k]);
  });
}
function tailDensity(lambda, alpha, xmin, share) {
  return share * (alpha - 1) / xmin * (lambda / xmin) ** -alpha;
}
function tailAbove(lambda, alpha, xmin, share) {
  return share * (lambda / xmin) ** (1 - alpha);
}
function logGamma(x2) {
  let shift = 0;
  let at2 = x2;
  for (; at2 < 8; at2++) shift += Math.log(at2);
  const inverse = 1 / (at2 * at2);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse * (1 / 1188))))) / at2;
  return (at2 - 0.5) * Math.log(at2) - at2 + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
function angleDensity(degrees3, d) {
  const beta = logGamma((d - 1) / 2) + logGamma(0.5) - logGamma(d / 2);
  const sine = Math.sin(degrees3 * Math.PI / 180);
  const power = d === 2 ? 0 : (d - 2) * Math.log(sine);
  return Math.exp(power - beta) * Math.PI / 180;
}
function normalDensity(x2, mean, sd) {
  return Math.exp(-0.5 * ((x2 - mean) / sd) ** 2) / (sd * Math.sqrt(2 * Math.PI));
}

// src/pictures/ccdf.ts
var KIND2 = "ccdf";
function ccdfPlot(layer, sources, options) {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  const shown = now.map(({ event }) => event);
  const bins = now.length ? binning(
    sources.filter(({ events }) => events.length),
    shown,
    options
  ) : null;
  if (!bins) return emptyPlot(layer, KIND2, runs, [warning("no eigenvalue above 0 at this step")]);
  const alone = now.length === 1;
  const marks = now.flatMap((each) => alone ? withLaws(each, options) : [points(each, each.name, each.ink)]);
  const drawn2 = now.flatMap(({ event, events }) => [event, events[0]]).map((event) => decoded(event).total);
  return {
    title: layer,
    kind: KIND2,
    runs,
    step: now[0].event.step,
    x: bins.axis,
    y: { scale: "log", label: "fraction ≥ λ", domain: [0.6 / Math.max(1, ...drawn2), 1.3] },
    marks,
    notes: alone ? spectrumNotes(now[0], options.logX) : []
  };
}
function withLaws(now, options) {
  const spectrum2 = decoded(now.event);
  const first = now.events[0];
  const ghost2 = options.ghost && first.step !== now.event.step;
  const label = `${counted(Math.round(spectrum2.total), "eigenvalue")}, step ${short(now.event.step)}`;
  return [
    ...ghost2 ? [points({ ...now, event: first }, `step ${short(first.step)}`, "ghost")] : [],
    ...spectrum2.total ? [points(now, label, "measured")] : [],
    ...bulk(spectrum2),
    ...tail(spectrum2)
  ];
}
function points({ event }, label, ink) {
  const { values, weights: weights2, total: total2 } = decoded(event);
  const y = new Float64Array(values.length);
  let above = 0;
  for (let i = values.length - 1; i >= 0; i--) {
    above += weights2[i];
    y[i] = above / total2;
  }
  const first = values.findIndex((value2) => value2 > 0);
  return { type: "points", label, ink, x: values.subarray(Math.max(0, first)), y: y.subarray(Math.max(0, first)) };
}
function bulk({ q, sigma2, bulkEdge, values, spikes, total: total2 }) {
  if (!(q >= 1 && sigma2 > 0)) return [];
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  const least = values.find((value2) => value2 > 0) ?? high;
  const x2 = edges(Math.max(low, Math.min(least, high / 2)), high * (1 - 1e-9), 200, "log");
  const beyond = spikes / total2;
  const y = marchenkoPasturAbove(x2, q, sigma2).map((above) => beyond + (1 - beyond) * above);
  return [
    { type: "line", label: `Marchenko–Pastur, σ² = ${short(sigma2)}`, ink: "noise", x: x2, y },
    { type: "rule", label: `bulk edge ${short(bulkEdge)}`, ink: "noise", x: bulkEdge, dashed: true }
  ];
}
function tail(spectrum2) {
  const { alpha, xmin, count } = spectrum2.tail;
  if (!(alpha > 1 && xmin > 0)) return [];
  const { trusted } = trust(spectrum2.tail);
  const x2 = edges(xmin, Math.max(largest(spectrum2), xmin * 1.0001), 60, "log");
  const y = x2.map((lambda) => tailAbove(lambda, alpha, xmin, count / spectrum2.total));
  const label = `alpha = ${short(alpha)}${trusted ? "" : " (not trustworthy)"}`;
  return [
    { type: "line", label, ink: "tail", x: x2, y, thin: !trusted, dashed: !trusted },
    { type: "rule", label: `xmin ${short(xmin)}`, ink: "tail", x: xmin, dashed: true }
  ];
}

// src/pictures/histogram.ts
var KIND3 = "spectrum";
var CURVE = 240;
function histogramPlot(layer, sources, options) {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  const shown = now.map(({ event }) => event);
  const bins = now.length ? binning(
    sources.filter(({ events }) => events.length),
    shown,
    options
  ) : null;
  if (!bins) return emptyPlot(layer, KIND3, runs, now.flatMap(nothing));
  const marks = now.length === 1 ? oneRun2(now[0], bins, options) : now.flatMap((each) => overlaid2(each, bins));
  return {
    title: layer,
    kind: KIND3,
    runs,
    step: now[0].event.step,
    x: bins.axis,
    y: {
      scale: options.logY ? "log" : "linear",
      label: densityLabel(bins.spacing),
      domain: heightDomain(now, bins, marks, options)
    },
    marks,
    notes: now.length === 1 ? spectrumNotes(now[0], options.logX) : briefNotes(now)
  };
}
function nothing(now) {
  const found = spectrumNotes(now, false);
  return found.length ? found : [warning(`${now.name}: no eigenvalue above 0`)];
}
function briefNotes(now) {
  const empty = now.filter(({ event }) => !decoded(event).values.length);
  const doubtful = now.filter(({ event }) => decoded(event).values.length && !trust(decoded(event).tail).trusted);
  const named4 = (runs) => runs.length === now.length ? "any run" : together(
    runs.map(({ name }) => name),
    now.length
  );
  return [
    ...empty.length ? [warning(`weights are NaN or infinite: ${empty.map(({ name }) => name).join(", ")}`)] : [],
    ...doubtful.length ? [warning(`fit of the tail not trustworthy in ${named4(doubtful)}`)] : []
  ];
}
function oneRun2(now, bins, options) {
  const spectrum2 = decoded(now.event);
  const heights = density(spectrum2, bins);
  const label = `${counted(Math.round(spectrum2.total), "eigenvalue")}, step ${short(now.event.step)}`;
  return [
    ...spectrum2.total ? [{ type: "bars", label, ink: "measured", edges: bins.edges, heights }] : [],
    ...options.ghost ? ghost(now, bins) : [],
    ...bulk2(spectrum2, bins),
    ...tail2(spectrum2, bins)
  ];
}
function ghost({ events, event }, bins) {
  const first = events[0];
  if (first.step === event.step) return [];
  const label = `step ${short(first.step)}`;
  return [{ type: "outline", label, ink: "ghost", edges: bins.edges, heights: density(decoded(first), bins) }];
}
function jacobian(lambda, bins) {
  return bins.spacing === "log" ? lambda : 1;
}
function curve(low, high, bins, law2) {
  const x2 = Array.from({ length: CURVE }, (_, i) => {
    const share = i / (CURVE - 1);
    return bins.spacing === "log" ? low * (high / low) ** share : low + (high - low) * share;
  });
  return { x: x2, y: x2.map((lambda) => law2(lambda) * jacobian(lambda, bins)) };
}
function bulk2(spectrum2, bins) {
  const { q, sigma2, bulkEdge, spikes, total: total2 } = spectrum2;
  if (!(q >= 1 && sigma2 > 0)) return [];
  const [low, high] = marchenkoPasturEdges(q, sigma2);
  const from = Math.max(low, bins.edges[0]);
  const law2 = curve(from, high, bins, (lambda) => (1 - spikes / total2) * marchenkoPastur(lambda, q, sigma2));
  const beyond = spectrum2.values.filter((value2) => value2 > bulkEdge);
  return [
    { type: "line", label: `Marchenko–Pastur, σ² = ${short(sigma2)}`, ink: "noise", ...law2 },
    { type: "rule", label: `bulk edge ${short(bulkEdge)}`, ink: "noise", x: bulkEdge, dashed: true },
    ...beyond.length ? [{ type: "rug", label: counted(spikes, "spike"), ink: "alert", x: beyond }] : []
  ];
}
function tail2(spectrum2, bins) {
  const { alpha, xmin, count } = spectrum2.tail;
  if (!(alpha > 1 && xmin > 0)) return [];
  const { trusted } = trust(spectrum2.tail);
  const law2 = curve(xmin, largest(spectrum2), bins, (x2) => tailDensity(x2, alpha, xmin, count / spectrum2.total));
  const label = `alpha = ${short(alpha)}${trusted ? "" : " (not trustworthy)"}`;
  return [
    { type: "line", label, ink: "tail", ...law2, thin: !trusted, dashed: !trusted },
    { type: "rule", label: `xmin ${short(xmin)}`, ink: "tail", x: xmin, dashed: true }
  ];
}
function overlaid2(now, bins) {
  const spectrum2 = decoded(now.event);
  const spikes = Number.isNaN(spectrum2.spikes) || now.crowded ? "" : `, ${counted(spectrum2.spikes, "spike")}`;
  const heights = density(spectrum2, bins);
  return [
    { type: "outline", label: now.name + spikes, ink: now.ink, edges: bins.edges, heights },
    ...spectrum2.bulkEdge > 0 ? [
      {
        type: "rule",
        label: "",
        name: `bulk edge of ${now.name}`,
        ink: now.ink,
        x: spectrum2.bulkEdge,
        dashed: true
      }
    ] : []
  ];
}
function heightDomain(now, bins, marks, options) {
  const shown = marks.flatMap((mark) => "heights" in mark ? [...mark.heights] : []).filter(Number.isFinite);
  const everything = options.fixed ? now.map(({ events }) => most(densities(events, bins))) : [];
  const bars = Math.max(1e-12, ...shown, ...everything);
  const law2 = marks.flatMap((mark) => mark.type === "line" && mark.ink === "noise" ? Array.from(mark.y) : []);
  const top = options.fixed ? 1.1 * bars : 1.08 * Math.max(bars, Math.min(2 * bars, Math.max(0, ...law2)));
  if (!options.logY) return [0, top];
  const least = Math.min(
    ...now.map(({ event }) => 0.5 / (decoded(event).total * width(bins, bins.edges.length - 2) || 1))
  );
  return [Math.min(least, top / 10), 2 * top];
}
function most(rows) {
  return rows.reduce((high, row) => row.reduce((a, b) => b > a ? b : a, high), 0);
}
function differencePlot(layer, a, b, options) {
  const now = at([a, b], options.step);
  const runs = now.map(({ run }) => run);
  const bins = now.length === 2 ? binning(
    [a, b],
    now.map(({ event }) => event),
    options
  ) : null;
  if (!bins) return emptyPlot(layer, KIND3, runs, [warning("A − B needs eigenvalues in both runs")]);
  const [first, second] = now.map(({ event }) => density(decoded(event), bins));
  const heights = first.map((height, i) => height - second[i]);
  const top = 1.1 * Math.max(1e-12, ...heights.map(Math.abs));
  const label = `${now[0].name} − ${now[1].name}`;
  return {
    title: layer,
    kind: KIND3,
    runs,
    step: now[0].event.step,
    x: bins.axis,
    y: { scale: "linear", label: `difference of ${densityLabel(bins.spacing)}`, domain: [-top, top] },
    marks: [{ type: "bars", label, ink: "measured", edges: bins.edges, heights }],
    notes: now[0].event.step === now[1].event.step ? [] : [info("the runs have no step in common here: the nearest ones")]
  };
}

// src/pictures/masks.ts
function keptPlot(layer, sources, options) {
  const now = at(sources, options.step);
  if (!now.length) return emptyPlot(layer, "kept units", [], [warning("no mask was recorded")]);
  const shown = now.map((each) => ({ ...each, events: within(each.events, options) }));
  const marks = shown.flatMap(({ label, ink, events }) => {
    const [x2, y] = [events.map(({ step }) => step), events.map((event) => event.head("kept"))];
    return [
      { type: "line", label, ink, x: x2, y },
      { type: "points", label: "", ink, x: x2, y }
    ];
  });
  const all = shown.flatMap(({ events }) => events.map(({ step }) => step));
  const units = Math.max(...now.map(({ event }) => event.head("units")));
  return {
    title: layer,
    kind: "kept units",
    runs: now.map(({ run }) => run),
    step: null,
    x: { scale: "linear", label: "step", domain: spread(all) },
    y: { scale: "linear", label: "units kept", domain: [0, 1.05 * units] },
    marks,
    notes: sayOfEach(now, keptWords),
    cursor: { axis: "x", steps: null }
  };
}
function keptWords({ event }) {
  return `${short(event.head("kept"))} of ${counted(event.head("units"), "unit")}`;
}
function spread(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low < high ? [low, high] : [low - 1, high + 1];
}
function unitsPlot(layer, source, options) {
  const events = within(source.events, options);
  const units = events.reduce((most2, { data }) => Math.max(most2, data.length), 0);
  if (!units) return emptyPlot(layer, "mask", [source.run], [warning("no mask was recorded in this range of steps")]);
  const values = new Float64Array(units * events.length).fill(Number.NaN);
  events.forEach(({ data }, column) => data.forEach((kept, unit2) => values[unit2 * events.length + column] = kept));
  return {
    title: layer,
    kind: "mask",
    runs: [source.run],
    step: null,
    x: { scale: "band", label: "step", names: steps(events) },
    y: { scale: "linear", label: "unit", domain: [0, units] },
    marks: [
      {
        type: "cells",
        label: "kept",
        columns: events.length,
        rows: units,
        values,
        range: [0, 1],
        palette: "mask"
      }
    ],
    notes: [],
    cursor: { axis: "x", steps: events.map(({ step }) => step) }
  };
}
function survivalPlot(layer, sources, options) {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  if (!now.length) return emptyPlot(layer, "survival", runs, [warning("no survival of weights was recorded")]);
  const edges2 = countEdges(now);
  const marks = now.flatMap((each) => {
    const heights2 = histogram(each.event.data, null, edges2);
    if (now.length > 1) return [{ type: "outline", label: each.name, ink: each.ink, edges: edges2, heights: heights2 }];
    const label = `${counted(each.event.data.length, "unit")}, step ${short(each.event.step)}`;
    return [{ type: "bars", label, ink: "measured", edges: edges2, heights: heights2 }, ...nullCurve(each, edges2)];
  });
  const heights = marks.flatMap(
    (mark) => "heights" in mark ? [...mark.heights] : mark.type === "line" ? Array.from(mark.y) : []
  );
  return {
    title: layer,
    kind: "survival",
    runs,
    step: now[0].event.step,
    x: { scale: "linear", label: "weights kept of a unit", domain: [edges2[0], edges2[edges2.length - 1]] },
    y: { scale: "linear", label: "units", domain: [0, 1.08 * Math.max(1, ...heights)] },
    marks,
    notes: now.length > 1 ? sayOfEach(now, survivalWords) : [info(survivalWords(now[0]))]
  };
}
function countEdges(now) {
  const values = now.flatMap(({ event }) => [
    ...event.data,
    event.head("null_mean") + 4 * event.head("null_sd"),
    event.head("null_mean") - 4 * event.head("null_sd")
  ]);
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.max(0, Math.floor(Math.min(...finite))), Math.ceil(Math.max(...finite))];
  const width2 = Math.max(1, Math.ceil((high - low + 1) / 60));
  const count = Math.ceil((high - low + 1) / width2);
  return Float64Array.from({ length: count + 1 }, (_, i) => low - 0.5 + i * width2);
}
function nullCurve({ event }, edges2) {
  const [mean, sd] = [event.head("null_mean"), event.head("null_sd")];
  if (!(sd > 0)) return [];
  const scale = event.data.length * (edges2[1] - edges2[0]);
  const [low, high] = [edges2[0], edges2[edges2.length - 1]];
  const x2 = Array.from({ length: 241 }, (_, i) => low + (high - low) * i / 240);
  const y = x2.map((count) => scale * normalDensity(count, mean, sd));
  return [{ type: "line", label: `null: mean ${short(mean)}, sd ${short(sd)}`, ink: "noise", x: x2, y, dashed: true }];
}
function survivalWords({ event }) {
  return `lift ${short(event.head("lift"))}, p = ${short(event.head("p_value"))}; ${short(event.head("kept"))} weights kept`;
}

// src/pictures/pairs.ts
var KIND4 = "pair angles";
function total(event) {
  return event.data.reduce((a, b) => a + b, 0);
}
function density2(event, edges2) {
  return rebinned(event.data, edges2, 1).map((share) => share / (edges2[1] - edges2[0]));
}
function present(events) {
  return remembered(events, "degrees", () => {
    let [low, high] = [60, 120];
    for (const event of events) {
      const first = event.data.findIndex((count) => count > 0);
      if (first >= 0) low = Math.min(low, first);
      event.data.forEach((count, degree) => high = count > 0 ? Math.max(high, degree + 1) : high);
    }
    return [Math.max(0, low - 5), Math.min(180, high + 5)];
  });
}
function axisOf(events) {
  const ends = events.map(present);
  const domain = [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
  return { scale: "linear", label: "angle between two units (°)", domain };
}
function pairsPlot(layer, sources, options) {
  const now = at(sources, options.step);
  const runs = now.map(({ run }) => run);
  const some = now.filter(({ event }) => total(event) > 0);
  if (!some.length) return emptyPlot(layer, KIND4, runs, [warning("no two units with a direction")]);
  const axis = axisOf(some.map(({ events, event }) => options.fixed ? events : [event]));
  const edges2 = degreeEdges(180, options.degrees);
  const marks = [
    ...some.flatMap((each) => one2(each, edges2, some.length === 1, options)),
    ...law(some[0], axis)
  ];
  const shown = marks.flatMap(
    (mark) => "heights" in mark ? [...mark.heights] : mark.type === "line" ? Array.from(mark.y) : []
  );
  const every2 = options.fixed ? some.map(({ events }) => densest(events, edges2)) : [];
  return {
    title: layer,
    kind: KIND4,
    runs,
    step: some[0].event.step,
    x: axis,
    y: { scale: "linear", label: "density per degree", domain: [0, 1.08 * Math.max(...shown, ...every2)] },
    marks,
    notes: []
  };
}
function densest(events, edges2) {
  return remembered(
    events,
    `densest ${edges2.length}`,
    () => events.reduce((most2, event) => Math.max(most2, ...density2(event, edges2)), 0)
  );
}
function one2(now, edges2, alone, options) {
  const heights = density2(now.event, edges2);
  if (!alone) return [{ type: "outline", label: now.name, ink: now.ink, edges: edges2, heights }];
  const first = now.events[0];
  const label = `${counted(total(now.event), "pair")}, step ${short(now.event.step)}`;
  const ghost2 = options.ghost && first.step !== now.event.step ? [{ type: "outline", label: `step ${short(first.step)}`, ink: "ghost", edges: edges2, heights: density2(first, edges2) }] : [];
  return [{ type: "bars", label, ink: "measured", edges: edges2, heights }, ...ghost2];
}
function law({ event }, axis) {
  const d = event.head("fan_in");
  if (!(d >= 2)) return [];
  const [low, high] = axis.domain;
  const x2 = Array.from({ length: 361 }, (_, i) => low + (high - low) * i / 360);
  const y = x2.map((degrees3) => d === 2 ? 1 / 180 : angleDensity(degrees3, d));
  return [{ type: "line", label: `uniform directions, sin${superscript(d - 2)} θ`, ink: "noise", x: x2, y, dashed: true }];
}
function pairsDifference(layer, a, b, options) {
  const now = at([a, b], options.step);
  const runs = now.map(({ run }) => run);
  if (now.length < 2) return emptyPlot(layer, KIND4, runs, [warning("A − B needs pairs in both runs")]);
  const edges2 = degreeEdges(180, options.degrees);
  const [first, second] = now.map(({ event }) => density2(event, edges2));
  const heights = first.map((height, i) => height - second[i]);
  const top = 1.1 * Math.max(1e-12, ...heights.map(Math.abs));
  return {
    title: layer,
    kind: KIND4,
    runs,
    step: now[0].event.step,
    x: axisOf(now.map(({ events }) => events)),
    y: { scale: "linear", label: "difference of density per degree", domain: [-top, top] },
    marks: [{ type: "bars", label: `${now[0].name} − ${now[1].name}`, ink: "measured", edges: edges2, heights }],
    notes: []
  };
}
function pairsOverTime(shape2, layer, source, minus, options) {
  const events = within(source.events, options);
  const axis = axisOf([source.events, ...minus ? [minus.events] : []]);
  const [low, high] = axis.domain;
  const all = degreeEdges(180, options.degrees);
  const [from, to] = [Math.floor(low / options.degrees), Math.ceil(high / options.degrees)];
  const edges2 = all.slice(from, to + 1);
  const shown = {
    kind: KIND4,
    axis: { ...axis, domain: [edges2[0], edges2[edges2.length - 1]] },
    edges: edges2,
    label: "density per degree",
    heights: (event) => density2(event, all).slice(from, to),
    curves: [],
    notes: source.events.some((event) => total(event) === 0) ? [info("steps without two units stay empty")] : []
  };
  return (shape2 === "ridges" ? ridgePlot : heatPlot)(layer, source, minus, events, shown);
}

// src/pictures/spectrumovertime.ts
function spectrumOverTime(shape2, layer, source, minus, options) {
  const events = within(source.events, options);
  const both = minus ? [source, minus] : [source];
  const bins = source.events.length ? binning(both, source.events, { ...options, fixed: true }) : null;
  if (!bins) return emptyPlot(layer, "spectrum", [source.run], [warning("no eigenvalue above 0 at any step")]);
  const draw = shape2 === "ridges" ? ridgePlot : heatPlot;
  return draw(layer, source, minus, events, histograms(source, bins, shape2 === "heat" && options.logY && !minus));
}
function histograms(source, bins, logarithmic2) {
  const known2 = new Map(densities(source.events, bins).map((row, i) => [source.events[i], row]));
  const label = densityLabel(bins.spacing);
  return {
    kind: "spectrum",
    axis: bins.axis,
    edges: bins.edges,
    label: logarithmic2 ? `log₁₀ of ${label}` : label,
    heights: (event) => {
      const row = known2.get(event) ?? density(decoded(event), bins);
      return logarithmic2 ? row.map((height) => height ? Math.log10(height) : Number.NaN) : row;
    },
    curves: [{ label: "bulk edge", ink: "alert", at: (event) => decoded(event).bulkEdge }],
    notes: broken(source),
    broken: (event) => decoded(event).values.length === 0
  };
}
function broken(source) {
  const count = source.events.filter((event) => decoded(event).values.length === 0).length;
  return count ? [warning(`${count} of ${source.events.length} steps have no eigenvalues: weights were NaN or infinite`)] : [];
}

// src/ui/layercards.ts
function overTime(draw) {
  return {
    perRun: true,
    draw: (layer, [source], options) => draw(layer, source, null, options),
    difference: draw
  };
}
function shaped(draw, shape2) {
  return overTime((layer, source, minus, options) => draw(shape2, layer, source, minus, options));
}
var PICTURES = {
  spectrum: [
    {
      id: "histogram",
      title: "histogram",
      kind: "esd",
      perRun: false,
      draw: histogramPlot,
      difference: differencePlot
    },
    { id: "ccdf", title: "CCDF", kind: "esd", perRun: false, draw: ccdfPlot, difference: null },
    { id: "ridges", title: "ridges", kind: "esd", ...shaped(spectrumOverTime, "ridges") },
    { id: "heat", title: "heat map", kind: "esd", ...shaped(spectrumOverTime, "heat") }
  ],
  angles: [
    {
      id: "centre",
      title: "to the centre",
      kind: "angles",
      perRun: false,
      draw: (layer, sources, options, nulls) => anglesPlot(layer, sources, nulls, options),
      difference: anglesDifference
    },
    {
      id: "pairs",
      title: "between units",
      kind: "pair_angles",
      perRun: false,
      draw: pairsPlot,
      difference: pairsDifference
    },
    { id: "ridges", title: "ridges", kind: "angles", ...shaped(anglesOverTime, "ridges") },
    { id: "heat", title: "heat map", kind: "angles", ...shaped(anglesOverTime, "heat") },
    { id: "pair_ridges", title: "pairs, ridges", kind: "pair_angles", ...shaped(pairsOverTime, "ridges") },
    { id: "pair_heat", title: "pairs, heat map", kind: "pair_angles", ...shaped(pairsOverTime, "heat") }
  ],
  masks: [
    { id: "kept", title: "kept units", kind: "mask", perRun: false, draw: keptPlot, difference: null },
    {
      id: "units",
      title: "which units",
      kind: "mask",
      perRun: true,
      draw: (layer, [source], options) => unitsPlot(layer, source, options),
      difference: null
    },
    {
      id: "survival",
      title: "weights per unit",
      kind: "survival",
      perRun: false,
      draw: survivalPlot,
      difference: null
    }
  ]
};
function pictureOf(state) {
  const pictures = PICTURES[state.view];
  return pictures.find(({ id }) => id === state.picture) ?? pictures[0];
}
var MOST_PER_RUN = 4;
var SMALL = 264;
var LARGE = 360;
function layerCards(context) {
  const { state } = context;
  const pictures = PICTURES[state.view];
  if (state.layer) return pictures.flatMap((picture3) => cardsOf(context, state.layer, picture3, true));
  const picture2 = pictureOf(state);
  return context.layers.flatMap((layer) => cardsOf(context, layer, picture2, false));
}
function cardsOf(context, layer, picture2, large) {
  const [a, b] = [mainRun(context), otherRun(context)];
  const compares = b !== void 0 && a !== void 0 && picture2.difference !== null;
  if (compares) return card(context, layer, picture2, large, [a, b], true);
  const runs = b !== void 0 && a !== void 0 ? [a, b] : context.shown;
  if (!picture2.perRun) return card(context, layer, picture2, large, runs, false);
  const having = runs.filter((run) => context.catalogue.find(layer, picture2.kind, run));
  const ordered = a !== void 0 && having.includes(a) ? [a, ...having.filter((run) => run !== a)] : having;
  const most2 = large ? MOST_PER_RUN : 1;
  return ordered.slice(0, most2).flatMap((run) => card(context, layer, picture2, large, [run], false));
}
function card(context, layer, picture2, large, runs, compares) {
  const some = atMost(runs.filter((run2) => context.catalogue.find(layer, picture2.kind, run2)));
  const found = gather(context, layer, picture2.kind, some.runs);
  if (!found.wants.length && !found.notes.length) return [];
  const nulls = picture2.id === "centre" && !compares ? gather(context, layer, "angles_null", some.runs) : null;
  const { state } = context;
  const run = runs[0] ?? "";
  return [
    {
      id: JSON.stringify([picture2.id, layer, large, picture2.perRun ? run : ""]),
      title: large ? picture2.title : layer,
      subtitle: subtitle(context, picture2, layer, runs, compares),
      height: large ? LARGE : SMALL,
      wide: false,
      wants: [...found.wants, ...nulls?.wants ?? []],
      loading: found.loading,
      stamp: JSON.stringify([found.stamp, some.notes, nulls?.stamp, compares, optionsStamp(state, picture2)]),
      step: state.step,
      open: large ? null : () => context.open(layer),
      series: found.wants[0] ?? null,
      build: () => withNotes(drawn(layer, picture2, found, nulls, compares, state), [...found.notes, ...some.notes])
    }
  ];
}
function subtitle(context, picture2, layer, runs, compares) {
  const shape2 = runs.map((run) => context.catalogue.find(layer, picture2.kind, run)?.info.shape).find((each) => each);
  const size = shape2 ? `${shape2[0]} × ${shape2[1]}` : "";
  const labels = runNames(context.shown);
  const names = runs.map((run) => clipped(labels.get(run) ?? run, 12, 23));
  const named4 = compares ? names.join(" − ") : picture2.perRun ? names[0] : "";
  return [size, named4].filter((text2) => text2).join(" · ");
}
function optionsStamp(state, picture2) {
  const { step, from, to, logX, logY, bins, ghost: ghost2, fixed: fixed2, degrees: degrees3, threshold } = state;
  return [
    picture2.perRun || picture2.id === "kept" ? null : step,
    from,
    to,
    logX,
    logY,
    bins,
    ghost2,
    fixed2,
    degrees3,
    threshold,
    picture2.id === "kept" ? step : null
  ];
}
function drawn(layer, picture2, { sources, loading }, nulls, compares, state) {
  const some = sources.filter(({ events }) => events.length);
  const runs = sources.map(({ run }) => run);
  if (!some.length) return emptyPlot(layer, picture2.kind, runs, loading ? [] : [info("no step was recorded")]);
  if (compares && picture2.difference) {
    if (some.length < 2)
      return emptyPlot(layer, picture2.kind, runs, loading ? [] : [info("A − B needs this layer in both runs")]);
    return picture2.difference(layer, some[0], some[1], state);
  }
  return picture2.draw(layer, some, state, new Map(nulls?.sources.map(({ run, events }) => [run, events])));
}
function withNotes(plot, notes) {
  return notes.length ? { ...plot, notes: [...notes, ...plot.notes] } : plot;
}

// src/pictures/overview.ts
function overviewPlot(title, runs, layers, from, to) {
  const inside = (step) => (from === null || step >= from) && (to === null || step <= to);
  const all = [...new Set(layers.flatMap(({ column }) => column?.steps ?? []))];
  const steps2 = all.filter(inside).sort((a, b) => a - b);
  if (!steps2.length)
    return emptyPlot(title, "overview", runs, [info("no value of it is loaded yet, or none was logged")]);
  const place2 = new Map(steps2.map((step, i) => [step, i]));
  const values = new Float64Array(layers.length * steps2.length).fill(Number.NaN);
  const broken2 = new Uint8Array(values.length);
  layers.forEach(({ column, minus }, row) => {
    column?.steps.forEach((step, i) => {
      const at2 = place2.get(step);
      if (at2 === void 0) return;
      values[row * steps2.length + at2] = column.values[i] - subtracted(minus, step);
      broken2[row * steps2.length + at2] = Number(!Number.isFinite(column.values[i]));
    });
  });
  const compared = layers.some(({ minus }) => minus !== null);
  return {
    title,
    kind: "overview",
    runs,
    step: null,
    x: { scale: "band", label: "step", names: steps2.map(short) },
    y: { scale: "band", label: "layer", names: layers.map(({ layer }) => layer) },
    marks: [
      {
        type: "cells",
        label: compared ? `${title}: ${runs.join(" − ")}` : title,
        columns: steps2.length,
        rows: layers.length,
        values,
        range: rangeOf2(values, compared),
        palette: compared ? "diverging" : "sequential",
        broken: broken2
      }
    ],
    notes: notesOf2(values, broken2),
    cursor: { axis: "x", steps: steps2 }
  };
}
function subtracted(minus, step) {
  return minus === null ? 0 : valueAt(minus, step);
}
function valueAt(column, step) {
  return column?.values[indexAt(column, step)] ?? Number.NaN;
}
function indexAt(column, step) {
  return step === null ? column.steps.length - 1 : nearest(column.steps, step);
}
function notesOf2(values, broken2) {
  const clipped2 = values.filter(Number.isFinite).length > FEW;
  const failed = broken2.reduce((sum, each) => sum + each, 0);
  return [
    ...clipped2 ? [info("colours end at the 2 % and 98 % quantiles")] : [],
    ...failed ? [warning(`${counted(failed, "value")} NaN or infinite, shown in pale red`)] : []
  ];
}
var FEW = 50;
function rangeOf2(values, compared) {
  const finite = values.filter(Number.isFinite).sort();
  if (!finite.length) return [0, 1];
  const share = finite.length > FEW ? 0.02 : 0;
  const [low, high] = [share, 1 - share].map((p) => finite[Math.round(p * (finite.length - 1))]);
  const most2 = Math.max(Math.abs(low), Math.abs(high)) || 1;
  if (compared) return [-most2, most2];
  return low === high ? [Math.min(0, low), Math.max(low, 0) || 1] : [low, high];
}

// src/ui/overviewdata.ts
function wantOf(context, layer, run, metric2, steps2) {
  const { catalogue } = context;
  const tag = metric2.scalar === null ? null : `${metric2.scalar}/${layer}`;
  if (tag !== null && catalogue.hasScalar(run, tag)) {
    return {
      run,
      tag,
      scalar: true,
      kind: "scalar",
      header: [],
      maxStep: catalogue.scalarStep(run, tag),
      steps: "all"
    };
  }
  const found = metric2.kind === null ? void 0 : catalogue.find(layer, metric2.kind, run);
  if (!found?.info.supported) return void 0;
  const { header: header2, maxStep } = found.info;
  return { run, tag: found.tag, scalar: false, kind: found.info.kind, header: header2, maxStep, steps: steps2 };
}
function plainWantOf(context, layer, run, metric2) {
  const { catalogue } = context;
  const tag = metric2.plain === void 0 ? null : `${metric2.plain}/${layer}`;
  if (tag === null || !catalogue.hasScalar(run, tag)) return void 0;
  return { run, tag, scalar: true, kind: "scalar", header: [], maxStep: catalogue.scalarStep(run, tag), steps: "all" };
}
function columnOf(context, layer, run, metric2) {
  const want = wantOf(context, layer, run, metric2, "all");
  const column = want && context.store.column(run, want.tag, metric2.id);
  if (column?.complete) return column;
  const plain2 = plainWantOf(context, layer, run, metric2);
  return (plain2 && context.store.column(run, plain2.tag, metric2.id)) ?? column;
}
function heatWants(context, layers, runs, metric2) {
  return layers.flatMap(
    (layer) => runs.flatMap((run) => plainWantOf(context, layer, run, metric2) ?? wantOf(context, layer, run, metric2, "all") ?? [])
  );
}
function wantsOf(context, layers, runs, metrics, steps2) {
  return metrics.flatMap(
    (metric2) => layers.flatMap((layer) => runs.flatMap((run) => wantOf(context, layer, run, metric2, steps2) ?? []))
  );
}
function metricsOf(context, runs) {
  const { catalogue } = context;
  return METRICS.filter(
    (metric2) => catalogue.layers.some((layer) => runs.some((run) => wantOf(context, layer, run, metric2, "last")))
  );
}

// src/ui/overviewcard.ts
var LIGHT = 2e3;
var MOST_LINES2 = 6;
function overviewWants(context, visible, runs, metrics) {
  const { layers, shown, state } = context;
  const light = layers.length * runs.length * metrics.length <= LIGHT;
  return [
    ...wantsOf(context, visible, runs, metrics, "all"),
    ...wantsOf(context, layers, runs, metrics, light ? "all" : "last"),
    ...light ? [] : heatWants(context, layers, runs, metricOf(state.metric)),
    ...wantsOf(context, visible, shown.slice(0, MOST_LINES2), metrics, "all")
  ];
}
function overviewCard(context, [first, second]) {
  const { state, store } = context;
  const metric2 = metricOf(state.metric);
  const runs = [first, second].filter((run) => run !== void 0);
  const layers = context.layers.filter((layer) => runs.some((run) => wantOf(context, layer, run, metric2, "last")));
  const columns = layers.map((layer) => ({
    layer,
    column: columnOf(context, layer, runs[0], metric2),
    minus: second === void 0 ? null : columnOf(context, layer, second, metric2)
  }));
  const loaded = columns.filter(({ column }) => column?.complete).length;
  const named4 = runs.map((run) => run || ".").join(" − ");
  return {
    id: "overview",
    title: `${metric2.title} of every layer`,
    subtitle: `${named4} · ${integer(loaded)} of ${counted(layers.length, "layer")} loaded`,
    height: Math.max(150, Math.min(420, 80 + 13 * layers.length)),
    wide: true,
    wants: [],
    loading: store.waiting > 0 && loaded === 0,
    stamp: JSON.stringify([runs, metric2.id, layers, state.from, state.to, store.version]),
    step: state.step,
    open: null,
    series: null,
    build: () => overviewPlot(metric2.title, runs, columns, state.from, state.to)
  };
}

// src/ui/report.ts
function report({ plot, spec }) {
  if (!plot) return {};
  const { title, kind, runs, step, x: x2, y } = plot;
  return {
    id: spec.id,
    title,
    kind,
    runs,
    step,
    x: x2,
    y,
    marks: plot.marks.map(plain),
    messages: plot.notes.map(({ level: level2, text: text2 }) => ({ level: level2, text: text2 })),
    loading: spec.loading
  };
}
function plain(mark) {
  return Object.fromEntries(Object.entries(mark).map(([name, value2]) => [name, listed(value2)]));
}
function listed(value2) {
  if (ArrayBuffer.isView(value2)) return Array.from(value2);
  return Array.isArray(value2) ? value2.map(listed) : value2;
}

// src/ui/sidebar.ts
var Sidebar = class {
  element;
  #change;
  #list = el("ul", { class: "runs" });
  #filter;
  #count = el("p", { class: "count" });
  #compare = el("div", { class: "compare" });
  #now = null;
  #stamp = "";
  constructor(change) {
    this.#change = change;
    this.#filter = filter("filter runs (regex)", (text2) => change.filter(text2));
    const all = (on) => change.select(new Map(this.#matching().map((run) => [run, on])));
    const buttons = el(
      "p",
      { class: "buttons" },
      button("all", "show all runs that match", () => all(true)),
      button("none", "show none of the runs that match", () => all(false))
    );
    const head = el("h2", {}, "Runs");
    this.element = el(
      "aside",
      { "aria-label": "runs" },
      head,
      this.#filter.element,
      buttons,
      this.#count,
      this.#list,
      this.#compare
    );
  }
  #matching() {
    const { runs = [], filter: text2 = "" } = this.#now ?? {};
    const expression = pattern(text2);
    return expression ? runs.filter((run) => expression.test(run)) : [...runs];
  }
  update(now) {
    this.#now = now;
    this.#filter.set(now.filter, pattern(now.filter) !== null);
    const stamp = JSON.stringify([now.runs, now.shown, now.filter, now.a, now.b, now.dark, [...now.colours]]);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["run"] : void 0;
    const shown = new Set(now.shown);
    const matching = this.#matching();
    const names = runNames(now.runs);
    this.#list.replaceChildren(...matching.map((run) => this.#row(run, names.get(run), shown.has(run), now)));
    setText(this.#count, `${now.shown.length} of ${now.runs.length} shown`);
    this.#compare.replaceChildren(...now.runs.length > 1 ? this.#choices(now) : []);
    if (focused !== void 0)
      [...this.#list.querySelectorAll("input")].find(({ dataset }) => dataset["run"] === focused)?.focus();
  }
  #row(run, label, on, now) {
    const box = el("input", { type: "checkbox" });
    box.dataset["run"] = run;
    box.checked = on;
    box.addEventListener("change", () => this.#change.select(/* @__PURE__ */ new Map([[run, box.checked]])));
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = runColour(now.colours.get(run) ?? 0, now.dark);
    const name = el("span", { class: "name", title: run, dir: "auto" }, clipped(label, 0, 14));
    const only = button("only", `show only ${run}`, () => this.#only(run), "only");
    return el("li", {}, el("label", {}, box, swatch, name), only);
  }
  #only(run) {
    this.#change.select(new Map((this.#now?.runs ?? []).map((each) => [each, each === run])));
  }
  #choices({ runs, a, b }) {
    const names = [...runNames(runs)].map(([run, label]) => [run, clipped(label, 0, 17)]);
    const first = choice("A", [["", "first shown"], ...names], (value2) => this.#change.compare({ a: value2 }));
    const second = choice("− B", [["", "no difference"], ...names], (value2) => this.#change.compare({ b: value2 }));
    first.set(a);
    second.set(b);
    const hint = el(
      "p",
      { class: "hint" },
      "A is the run of the table, ridges and heat maps; with B, all pictures show A − B."
    );
    return [el("h2", {}, "Compare"), first.element, second.element, hint];
  }
};

// src/ui/stepbar.ts
var PLAY_MS = 220;
var CALM_MS = 1e3;
var StepBar = class {
  element;
  #change;
  #slider = el("input", { type: "range", min: "0", step: "1", class: "steps", "aria-label": "step" });
  #text = el("output", { class: "step", "aria-live": "off" });
  #from = el("input", { type: "range", min: "0", step: "1", "aria-label": "first step shown" });
  #to = el("input", { type: "range", min: "0", step: "1", "aria-label": "last step shown" });
  #range = el("output", {});
  #play;
  #steps = [];
  #choice = { step: null, from: null, to: null };
  #timer = null;
  constructor(change) {
    this.#change = change;
    this.#play = button("▶", "play (space)", () => this.toggle());
    const keys = el(
      "span",
      { class: "buttons" },
      button("⇤", "first step (Home)", () => this.go(0)),
      button("←", "step before (←)", () => this.move(-1)),
      this.#play,
      button("→", "next step (→)", () => this.move(1)),
      button("⇥", "last step, and follow (End)", () => this.go(Infinity))
    );
    const range2 = el("span", { class: "range" }, "range ", this.#from, this.#to, this.#range);
    this.element = el("footer", { class: "stepbar", "aria-label": "step" }, keys, this.#slider, this.#text, range2);
    this.#slider.addEventListener("input", () => this.go(this.#first + this.#slider.valueAsNumber));
    this.#from.addEventListener("input", () => this.#setRange());
    this.#to.addEventListener("input", () => this.#setRange());
  }
  get #first() {
    const { from } = this.#choice;
    return from === null ? 0 : Math.max(0, nearest(this.#steps, from));
  }
  get #last() {
    const { to } = this.#choice;
    return to === null ? this.#steps.length - 1 : nearest(this.#steps, to);
  }
  get #index() {
    const { step } = this.#choice;
    const index = step === null ? this.#last : nearest(this.#steps, step);
    return Math.max(this.#first, Math.min(this.#last, index));
  }
  update(steps2, choice2) {
    this.#steps = steps2;
    this.#choice = choice2;
    this.element.classList.toggle("none", steps2.length === 0);
    const [first, last, index] = [this.#first, this.#last, this.#index];
    this.#slider.max = String(Math.max(0, last - first));
    this.#slider.value = String(index - first);
    const most2 = String(Math.max(0, steps2.length - 1));
    this.#from.max = this.#to.max = most2;
    this.#from.value = String(first);
    this.#to.value = String(last);
    const words2 = steps2.length ? `step ${integer(steps2[index])} · ${index + 1} of ${steps2.length}` : "no steps yet";
    setText(this.#text, choice2.step === null && choice2.to === null && steps2.length ? `${words2} · latest` : words2);
    this.#slider.setAttribute("aria-valuetext", words2);
    const whole = first === 0 && last === steps2.length - 1;
    setText(this.#range, whole || !steps2.length ? "all" : `${integer(steps2[first])}–${integer(steps2[last])}`);
  }
  go(index) {
    if (!this.#steps.length) return;
    const at2 = Math.max(this.#first, Math.min(this.#last, index));
    this.#change({ step: at2 === this.#steps.length - 1 ? null : this.#steps[at2] });
  }
  move(by) {
    this.go(this.#index + by);
  }
  toggle() {
    if (this.#timer !== null) return this.#stop();
    if (this.#index === this.#last) this.go(this.#first);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#timer = setInterval(() => this.#tick(), calm ? CALM_MS : PLAY_MS);
    this.#play.textContent = "❚❚";
    this.#play.setAttribute("aria-label", "pause (space)");
  }
  #tick() {
    if (this.#index >= this.#last || window.innerHeight === 0) this.#stop();
    else this.move(1);
  }
  #stop() {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#play.textContent = "▶";
    this.#play.setAttribute("aria-label", "play (space)");
  }
  #setRange() {
    const [a, b] = [this.#from.valueAsNumber, this.#to.valueAsNumber];
    const [first, last] = [Math.min(a, b), Math.max(a, b)];
    this.#change({
      from: first === 0 ? null : this.#steps[first],
      to: last === this.#steps.length - 1 ? null : this.#steps[last]
    });
  }
  /** Keys for the whole page; true where the key was ours. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowLeft") this.move(event.shiftKey ? -10 : -1);
    else if (event.key === "ArrowRight") this.move(event.shiftKey ? 10 : 1);
    else if (event.key === "Home") this.go(0);
    else if (event.key === "End") this.go(Infinity);
    else if (event.key === " ") this.toggle();
    else return false;
    return true;
  }
};

// src/ui/sparkline.ts
var WIDTH = 64;
var HEIGHT = 20;
var MARGIN2 = 3;
var Sparkline = class {
  element;
  #lines;
  #dots;
  #low;
  #high;
  constructor(lines) {
    const finite = lines.flatMap(({ values }) => [...values].filter(Number.isFinite));
    [this.#low, this.#high] = [Math.min(...finite), Math.max(...finite)];
    this.#lines = lines;
    this.#dots = lines.map(({ colour: colour2 }) => svg("circle", { r: "2.2", fill: colour2, visibility: "hidden" }));
    const size = { width: String(WIDTH), height: String(HEIGHT), viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
    const parts = lines.flatMap((line3, i) => [this.#path(line3), this.#dots[i]]);
    this.element = svg("svg", { ...size, "aria-hidden": "true" }, ...parts);
  }
  /** The dot of each line to an index of its values, −1: nowhere. */
  move(places) {
    this.#lines.forEach(({ values }, i) => {
      const value2 = values[places[i]] ?? Number.NaN;
      const dot = this.#dots[i];
      dot.setAttribute("visibility", Number.isFinite(value2) ? "visible" : "hidden");
      if (!Number.isFinite(value2)) return;
      dot.setAttribute("cx", x(places[i], values).toFixed(1));
      dot.setAttribute("cy", this.#y(value2).toFixed(1));
    });
  }
  #y(value2) {
    return HEIGHT - MARGIN2 - (HEIGHT - 2 * MARGIN2) * (value2 - this.#low) / (this.#high - this.#low || 1);
  }
  #path({ values, colour: colour2 }) {
    let pen = "M";
    let path = "";
    values.forEach((value2, i) => {
      if (!Number.isFinite(value2)) {
        pen = "M";
        return;
      }
      path += `${pen}${x(i, values).toFixed(1)} ${this.#y(value2).toFixed(1)}`;
      pen = "L";
    });
    return svg("path", { d: path, fill: "none", stroke: colour2, "stroke-width": "1.3" });
  }
};
function x(i, values) {
  return MARGIN2 + (WIDTH - 2 * MARGIN2) * i / Math.max(1, values.length - 1);
}

// src/ui/table.ts
var ROW = 30;
var MOST_LINES3 = 6;
var Table = class {
  element = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "layers" });
  #change;
  #head = el("tr");
  #body = el("tbody");
  #table = el("table", {}, el("thead", {}, this.#head), this.#body);
  #rows = /* @__PURE__ */ new Map();
  #headStamp = "";
  #shown = { stamp: "", rows: [] };
  visible = [];
  constructor(changed, change) {
    this.#change = change;
    this.element.append(this.#table);
    this.element.addEventListener("scroll", changed, { passive: true });
  }
  update(context, metrics, dark) {
    this.#header(context.state, metrics);
    const layers = sorted(context, metrics);
    const height = this.element.clientHeight || 600;
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW) - 4);
    const last = Math.min(layers.length, Math.ceil((this.element.scrollTop + height) / ROW) + 4);
    this.visible = layers.slice(first, last);
    this.#table.setAttribute("aria-rowcount", String(layers.length + 1));
    const rows = this.visible.map((layer, i) => this.#row(context, layer, first + i, metrics, dark));
    this.#forget();
    this.#place(rows, first, layers.length - last, metrics.length);
  }
  /** The rows that are there already stay where they are: to lay out all of them again takes longer than all else. */
  #place(rows, above, below, columns) {
    const stamp = JSON.stringify([above, below, columns, rows.length]);
    if (stamp === this.#shown.stamp && rows.every((row, i) => row === this.#shown.rows[i])) return;
    this.#shown = { stamp, rows };
    this.#body.replaceChildren(spacer(above, columns), ...rows, spacer(below, columns));
  }
  #header(state, metrics) {
    const stamp = JSON.stringify([metrics.map(({ id }) => id), state.sort, state.descending]);
    if (stamp === this.#headStamp) return;
    this.#headStamp = stamp;
    const layer = el(
      "th",
      { scope: "col" },
      button("layer", "sort by place in the network", () => this.#change({ sort: "" }))
    );
    layer.setAttribute("aria-sort", state.sort ? "none" : "ascending");
    this.#head.replaceChildren(layer, ...metrics.map((metric2) => this.#column(metric2, state)));
  }
  #column(metric2, { sort, descending: descending2 }) {
    const active = sort === metric2.id;
    const arrow = active ? descending2 ? " ▾" : " ▴" : "";
    const click = () => this.#change({ sort: metric2.id, descending: active ? !descending2 : true });
    const head = el("th", { scope: "col" }, button(metric2.title + arrow, `${metric2.meaning}; click sorts`, click));
    head.setAttribute("aria-sort", active ? descending2 ? "descending" : "ascending" : "none");
    return head;
  }
  #row(context, layer, index, metrics, dark) {
    const ids = metrics.map(({ id }) => id).join();
    const known2 = this.#rows.get(layer);
    const row = known2?.ids === ids ? known2 : this.#newRow(layer, metrics, ids, (at2) => context.open(at2, "spectrum"));
    row.element.setAttribute("aria-rowindex", String(index + 2));
    metrics.forEach((metric2, i) => row.cells[i].update(context, layer, metric2, dark));
    return row.element;
  }
  #newRow(layer, metrics, ids, open) {
    const name = button(layer, layer, () => open(layer), "link");
    name.dir = "auto";
    const cells = metrics.map(() => new Cell());
    const element = el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((cell2) => cell2.element));
    const row = { ids, element, cells };
    this.#rows.set(layer, row);
    return row;
  }
  #forget() {
    if (this.#rows.size < 400) return;
    const kept = new Set(this.visible);
    for (const layer of [...this.#rows.keys()]) if (!kept.has(layer)) this.#rows.delete(layer);
  }
  drawn() {
    return [...this.#body.querySelectorAll("tr:not(.spacer)")].map((row) => ({
      layer: row.querySelector("th")?.textContent ?? "",
      cells: [...row.querySelectorAll("td")].map((cell2) => cell2.textContent ?? "")
    }));
  }
};
function spacer(rows, columns) {
  const cell2 = el("td", { colspan: String(columns + 1) });
  cell2.style.height = `${rows * ROW}px`;
  const row = el("tr", { class: "spacer", "aria-hidden": "true" }, cell2);
  row.hidden = rows === 0;
  return row;
}
function sorted(context, metrics) {
  const { state, layers } = context;
  const metric2 = metrics.find(({ id }) => id === state.sort);
  const run = mainRun(context);
  if (!metric2 || run === void 0) return layers;
  const sign = state.descending ? -1 : 1;
  const keyed = layers.map((layer) => ({ layer, value: shownValue(context, layer, metric2, run) }));
  keyed.sort((a, b) => {
    if (Number.isNaN(a.value) || Number.isNaN(b.value))
      return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
    return sign * (a.value - b.value);
  });
  return keyed.map(({ layer }) => layer);
}
function shownValue(context, layer, metric2, run) {
  const value2 = valueAt(columnOf(context, layer, run, metric2), context.state.step);
  const other = otherRun(context);
  return other === void 0 ? value2 : value2 - valueAt(columnOf(context, layer, other, metric2), context.state.step);
}
var Cell = class {
  element = el("td");
  #value = el("span", { class: "value" });
  #lines = null;
  #sparkline = null;
  update(context, layer, metric2, dark) {
    const run = mainRun(context);
    const text2 = run === void 0 ? "" : textOf(context, layer, metric2, run);
    const doubtful = text2.startsWith("(");
    setText(this.#value, text2);
    this.#value.className = doubtful ? "value doubtful" : "value";
    this.#value.title = doubtful ? "the fit is not trustworthy: open the layer to see why" : "";
    const lines = run === void 0 ? [] : linesOf(context, layer, metric2, run);
    this.#draw(lines.map(([colour2, column]) => [runColour(colour2, dark), column]));
    this.#sparkline?.move(lines.map(([, column]) => indexAt(column, context.state.step)));
  }
  #draw(lines) {
    const known2 = this.#lines;
    const same = known2?.length === lines.length && lines.every((line3, i) => line3.every((each, j) => each === known2[i][j]));
    if (same) return;
    this.#lines = lines;
    const any = lines.some(([, { values }]) => values.length > 1);
    this.#sparkline = any ? new Sparkline(lines.map(([colour2, { values }]) => ({ values, colour: colour2 }))) : null;
    this.element.replaceChildren(this.#value, this.#sparkline?.element ?? blank());
  }
};
function textOf(context, layer, metric2, run) {
  if (otherRun(context) !== void 0) {
    return columnOf(context, layer, run, metric2) ? signed(shownValue(context, layer, metric2, run)) : "";
  }
  const { step } = context.state;
  const want = wantOf(context, layer, run, metric2, "all");
  const column = want && context.store.column(run, want.tag, metric2.id);
  if (!column) return want ? "…" : "";
  if (!column.steps.length) return "";
  if (!column.complete && step !== null && column.steps[0] !== step) return "…";
  const at2 = indexAt(column, step);
  const value2 = column.values[at2];
  return (column.believable?.[at2] ?? true) || Number.isNaN(value2) ? brief(value2) : `(${brief(value2)})`;
}
function linesOf(context, layer, metric2, run) {
  const other = otherRun(context);
  const runs = other === void 0 ? context.shown.filter((each) => each !== run).slice(0, MOST_LINES3 - 1) : [other];
  return [...runs.reverse(), run].flatMap((each) => {
    const column = columnOf(context, layer, each, metric2);
    return column?.complete ? [[context.colours.get(each) ?? 0, column]] : [];
  });
}
function blank() {
  const element = el("span", { class: "blank" });
  element.style.width = `${WIDTH}px`;
  element.style.height = `${HEIGHT}px`;
  return element;
}

// src/ui/toolbar.ts
var Toolbar = class {
  element;
  #change;
  #tabs;
  #layer = el("select", { "aria-label": "layer" });
  #filter;
  #options = el("div", { class: "options" });
  #status = el("span", { class: "status", role: "status" });
  #controls = [];
  #shape = "";
  #layers = "";
  #known = [];
  constructor(change, copyLink) {
    this.#change = change;
    this.#tabs = VIEWS.map((view) => {
      const tab = button(view[0].toUpperCase() + view.slice(1), "", () => change({ view }), "tab");
      tab.setAttribute("role", "tab");
      return tab;
    });
    this.#layer.addEventListener("change", () => change({ layer: this.#layer.value }));
    this.#filter = filter("filter layers (regex)", (layerFilter) => change({ layerFilter }));
    const tabs = el("div", { role: "tablist", "aria-label": "view", class: "tabs" }, ...this.#tabs);
    const layer = el(
      "span",
      { class: "layer" },
      button("‹", "layer before", () => this.#move(-1)),
      this.#layer,
      button("›", "next layer", () => this.#move(1)),
      this.#filter.element
    );
    const link = button("copy link", "copy a link to this page as it is", copyLink);
    this.element = el(
      "header",
      { class: "toolbar" },
      el("div", { class: "row" }, tabs, layer, this.#status, link),
      this.#options
    );
  }
  #move(by) {
    const at2 = this.#known.indexOf(this.#layer.value);
    const layer = this.#known[Math.max(0, Math.min(this.#known.length - 1, at2 + by))];
    if (layer !== void 0) this.#change({ layer });
  }
  update(state, layers, status) {
    this.#tabs.forEach((tab, i) => tab.setAttribute("aria-selected", String(VIEWS[i] === state.view)));
    this.#filter.set(state.layerFilter, pattern(state.layerFilter) !== null);
    this.#known = layers;
    this.#list(state, layers);
    setText(this.#status, status);
    const shape2 = `${state.view} ${state.layer !== ""} ${state.layer ? "" : state.picture}`;
    if (shape2 !== this.#shape) {
      this.#shape = shape2;
      this.#controls = controls(state, this.#change);
      this.#options.replaceChildren(...this.#controls.map(({ element }) => element));
    }
    for (const control of this.#controls) control.sync(state);
  }
  #list(state, layers) {
    const names = state.layer && !layers.includes(state.layer) ? [state.layer, ...layers] : layers;
    const stamp = JSON.stringify(names);
    if (stamp !== this.#layers) {
      this.#layers = stamp;
      const all = el("option", { value: "" }, `all layers (${integer(layers.length)})`);
      this.#layer.replaceChildren(all, ...names.map((name) => el("option", { value: name }, name)));
    }
    this.#layer.value = state.layer;
  }
};
function controls(state, change) {
  if (state.view === "overview") return [metric(change)];
  const pictures = state.layer ? [] : [picture(state.view, change)];
  if (state.view === "spectrum") return [...pictures, ...spectrum(change)];
  if (state.view === "angles") return [...pictures, ...angles(change)];
  return pictures;
}
function metric(change) {
  const found = choice(
    "heat map of",
    METRICS.map(({ id, title }) => [id, title]),
    (id) => change({ metric: id })
  );
  return { element: found.element, sync: ({ metric: id }) => found.set(id) };
}
function picture(view, change) {
  const buttons = PICTURES[view].map(({ id, title }) => button(title, "", () => change({ picture: id }), "segment"));
  const element = el("span", { class: "segments", role: "group", "aria-label": "picture" }, ...buttons);
  return {
    element,
    sync: (state) => PICTURES[view].forEach((each, i) => buttons[i].setAttribute("aria-pressed", String(each === pictureOf(state))))
  };
}
function flag(name, label, title, change) {
  const found = check2(label, title, (on) => change({ [name]: on }));
  return { element: found.element, sync: (state) => found.set(state[name]) };
}
function number4(name, label, range2, words2, change) {
  const found = slider(label, range2, words2, (value2) => change({ [name]: value2 }));
  return { element: found.element, sync: (state) => found.set(state[name]) };
}
function spectrum(change) {
  return [
    flag(
      "logX",
      "log λ",
      "logarithmic axis of eigenvalues; densities are then per ln λ, so that areas stay true",
      change
    ),
    flag("logY", "log density", "logarithmic axis of densities, and log colours in heat maps", change),
    number4("bins", "bins", [0, 200, 5], (value2) => value2 ? integer(value2) : "auto", change),
    flag("ghost", "first step", "the first step as an outline behind the present one", change),
    flag("fixed", "fixed axes", "the same axes at every step", change)
  ];
}
function angles(change) {
  return [
    number4("degrees", "bins of", [1, 10, 1], (value2) => `${short(value2)}°`, change),
    number4("threshold", "threshold", [0, 180, 1], (value2) => `${short(value2)}°`, change),
    flag("ghost", "first step", "the first step as an outline behind the present one", change),
    flag("fixed", "fixed axes", "the same axes at every step", change)
  ];
}

// src/ui/unreadable.ts
var MOST = 100;
function unreadableList({ unreadable }, shown) {
  if (!shown || !unreadable.length) return [];
  const rows = unreadable.slice(0, MOST).map(({ run, tag, reason }) => {
    const cells = [run || ".", tag, reason].map((text2) => el("td", { dir: "auto" }, text2));
    return el("tr", {}, ...cells);
  });
  const head = el("tr", {}, ...["run", "tag", "why"].map((text2) => el("th", { scope: "col" }, text2)));
  const summary = el("summary", {}, `⚠ ${counted(unreadable.length, "series", "series")} can not be drawn`);
  return [el("details", {}, summary, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)))];
}

// src/app.ts
var POLL_MS = 5e3;
var App = class {
  #host = new Host();
  #client = new Client();
  #store = new Store(this.#client, () => this.#schedule());
  #grid = new Grid(() => this.#schedule());
  #table = new Table(
    () => this.#schedule(),
    (patch) => this.#set(patch)
  );
  #facts = el("section", { class: "facts" });
  #unreadable = el("section", { class: "unreadable" });
  #message = el("div");
  #main = el(
    "main",
    {},
    this.#message,
    this.#grid.element,
    this.#facts,
    this.#table.element,
    this.#unreadable
  );
  #toolbar = new Toolbar(
    (patch) => this.#set(patch),
    () => this.#copyLink()
  );
  #sidebar;
  #steps = new StepBar((choice2) => this.#set(choice2));
  #state = decode(this.#host.readState());
  #selection = this.#host.readSelection();
  #catalogue = null;
  #allRuns = [];
  #theme = theme(false);
  #stepList = { stamp: "", steps: [] };
  #scheduled = false;
  #writing = null;
  #failure = "";
  #said = "";
  constructor(root) {
    this.#sidebar = new Sidebar({
      select: (runs) => this.#select(runs),
      filter: (runFilter) => this.#set({ runFilter }),
      compare: (choice2) => this.#set(choice2)
    });
    const page = el("div", { class: "page" }, this.#toolbar.element, this.#main, this.#steps.element);
    root.replaceChildren(this.#sidebar.element, page);
    this.#listen();
    void this.#poll();
    setInterval(() => window.innerHeight > 0 && void this.#poll(), POLL_MS);
  }
  #listen() {
    this.#host.onDark((dark) => {
      this.#theme = theme(dark);
      document.documentElement.dataset["theme"] = dark ? "dark" : "light";
      this.#schedule();
    });
    this.#host.onHash(() => this.#readHash());
    window.addEventListener("resize", () => this.#schedule());
    document.addEventListener("keydown", (event) => {
      const target = event.target;
      const typing = target.matches("input, select, textarea, button, canvas, a");
      if (!typing && this.#steps.key(event)) event.preventDefault();
    });
    new Messages({
      runs: (runs) => {
        this.#allRuns = runs;
        this.#schedule();
      },
      reloaded: () => void this.#poll()
    });
  }
  async #poll() {
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
  #readHash() {
    if (window.innerHeight === 0 || this.#writing !== null) return;
    this.#state = decode(this.#host.readState());
    this.#selection = this.#host.readSelection();
    this.#schedule();
  }
  #set(patch) {
    const before = this.#state;
    this.#state = { ...before, ...patch };
    if (patch.view !== void 0 && patch.view !== before.view) this.#state = { ...this.#state, picture: "" };
    if (this.#writing === null) this.#writing = setTimeout(() => this.#write(), 250);
    this.#schedule();
  }
  #write() {
    this.#host.writeState(encode(this.#state));
    this.#writing = null;
  }
  #select(runs) {
    const shown = new Set(this.#shown());
    const all = (this.#catalogue?.runs ?? []).map((run) => [run, runs.get(run) ?? shown.has(run)]);
    this.#selection = new Map([...this.#selection, ...all]);
    this.#host.writeSelection(this.#selection);
    this.#schedule();
  }
  #shown() {
    const found = selected(this.#catalogue?.runs ?? [], this.#selection);
    const expression = pattern(this.#state.runFilter);
    return expression ? found.filter((run) => expression.test(run)) : found;
  }
  /** Where the page may not write to the clipboard the address bar has the link all the same. */
  #copyLink() {
    this.#write();
    const copied = navigator.clipboard?.writeText(this.#host.address) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => this.#say("link copied"),
      () => this.#say("the address bar has the link")
    );
  }
  #say(text2) {
    this.#said = text2;
    this.#schedule();
    setTimeout(() => {
      this.#said = "";
      this.#schedule();
    }, 2500);
  }
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render();
    });
  }
  #context(catalogue) {
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
      open: (layer, view) => this.#set({ layer, ...view ? { view } : {} })
    };
  }
  #render() {
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
  #only(message) {
    this.#message.replaceChildren(message);
    this.#grid.update([], this.#theme);
    this.#facts.replaceChildren();
    this.#unreadable.replaceChildren();
    this.#table.element.hidden = true;
  }
  #status() {
    const failure2 = this.#failure || this.#store.failure;
    if (failure2) return `⚠ ${failure2}`;
    const waiting = this.#store.waiting;
    return waiting ? `loading ${counted(waiting, "series", "series")} …` : this.#said;
  }
  #knownSteps(runs) {
    const all = /* @__PURE__ */ new Set([...runs, this.#state.a, this.#state.b]);
    const stamp = `${this.#store.version} ${JSON.stringify([...all])}`;
    if (stamp !== this.#stepList.stamp) this.#stepList = { stamp, steps: this.#store.steps(all) };
    return this.#stepList.steps;
  }
  #layers(context) {
    const specs = layerCards(context);
    const none = context.shown.length ? `No ${this.#state.view} in the runs that are shown.` : "No run is selected.";
    const why = this.#state.view === "masks" ? `${none} Masks are there where layers are wrapped in PruneUnits or PruneWeights.` : none;
    this.#message.replaceChildren(...specs.length ? [] : [nothingShown(why)]);
    this.#table.element.hidden = true;
    this.#grid.element.className = this.#state.layer ? "grid large" : "grid";
    this.#grid.update(specs, this.#theme);
    this.#grid.paint();
    this.#facts.replaceChildren(...factsOf(context));
    return this.#grid.visible.flatMap(({ spec }) => spec.wants);
  }
  #overview(context) {
    const [a, b] = [mainRun(context), otherRun(context)];
    const runs = [...new Set([a, b].filter((run) => run !== void 0))];
    const metrics = metricsOf(context, context.shown);
    this.#message.replaceChildren(...runs.length ? [] : [nothingShown("No run is selected.")]);
    this.#facts.replaceChildren();
    this.#grid.element.className = "grid";
    this.#grid.update(runs.length ? [overviewCard(context, runs)] : [], this.#theme);
    this.#grid.paint();
    this.#table.element.hidden = !runs.length;
    if (runs.length) this.#table.update(context, metrics, this.#theme.dark);
    return overviewWants(context, this.#table.visible, runs, metrics);
  }
  /** For tests in a browser: whether everything visible is loaded and painted. */
  get ready() {
    const painted = !this.#scheduled && this.#grid.settled;
    return this.#catalogue !== null && painted && this.#store.waiting === 0;
  }
  drawn() {
    const table = this.#table.element.hidden ? [] : [{ kind: "table", rows: this.#table.drawn() }];
    return [...this.#grid.visible.flatMap((card2) => card2.plot ? [report(card2)] : []), ...table];
  }
  state() {
    const shown = this.#shown();
    const catalogue = this.#catalogue;
    const seen = {
      runs: catalogue?.runs ?? [],
      layers: catalogue?.layers ?? [],
      shown,
      steps: this.#knownSteps(shown)
    };
    return {
      ...this.#state,
      ...seen,
      dark: this.#theme.dark,
      loading: this.#store.waiting,
      failure: this.#failure || this.#store.failure
    };
  }
};

// src/styles.css
var styles_default = ':root {\n  --background: #ffffff;\n  --raised: #f6f7f9;\n  --ink: #202124;\n  --muted: #5f6368;\n  --line: #dadce0;\n  --accent: #b85500;\n  --alert: #b3261e;\n  color-scheme: light;\n}\n\n:root[data-theme="dark"] {\n  --background: #303030;\n  --raised: #3a3a3a;\n  --ink: #f1f3f4;\n  --muted: #b6bbc1;\n  --line: #555555;\n  --accent: #ffb066;\n  --alert: #ff8a80;\n  color-scheme: dark;\n}\n\n* {\n  box-sizing: border-box;\n}\n\n[hidden] {\n  display: none !important;\n}\n\nbody {\n  margin: 0;\n  background: var(--background);\n  color: var(--ink);\n  font:\n    13px/1.4 Roboto,\n    "Noto Sans",\n    "Helvetica Neue",\n    Arial,\n    sans-serif;\n}\n\n#redundancy {\n  display: grid;\n  grid-template-columns: 216px minmax(0, 1fr);\n  height: 100vh;\n}\n\nbutton,\nselect,\ninput {\n  font: inherit;\n  color: inherit;\n}\n\nbutton {\n  background: none;\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  padding: 2px 8px;\n  cursor: pointer;\n}\n\nbutton:hover,\n.file:hover {\n  background: var(--raised);\n}\n\n:focus-visible {\n  outline: 2px solid var(--accent);\n  outline-offset: 1px;\n}\n\nselect,\ninput[type="search"] {\n  background: var(--background);\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  padding: 2px 6px;\n}\n\ninput[aria-invalid="true"] {\n  border-color: var(--alert);\n  color: var(--alert);\n}\n\ninput[type="range"],\ninput[type="checkbox"] {\n  accent-color: var(--accent);\n  vertical-align: middle;\n}\n\nh2 {\n  margin: 0 0 6px;\n  font-size: 13px;\n  font-weight: 600;\n}\n\n/* runs */\n\naside {\n  display: flex;\n  flex-direction: column;\n  gap: 6px;\n  min-height: 0;\n  padding: 12px;\n  border-right: 1px solid var(--line);\n  background: var(--raised);\n}\n\naside p {\n  margin: 0;\n}\n\naside .buttons {\n  display: flex;\n  gap: 6px;\n}\n\n.count,\n.hint {\n  color: var(--muted);\n  font-size: 12px;\n}\n\n.runs {\n  flex: 0 1 auto;\n  min-height: 60px;\n  margin: 0;\n  padding: 0;\n  overflow: auto;\n  list-style: none;\n}\n\n.runs li {\n  display: flex;\n  align-items: center;\n  gap: 4px;\n}\n\n.runs label {\n  display: flex;\n  flex: 1;\n  align-items: center;\n  gap: 6px;\n  min-width: 0;\n  padding: 2px 0;\n}\n\n.swatch {\n  flex: none;\n  width: 12px;\n  height: 12px;\n  border-radius: 3px;\n}\n\n.name {\n  overflow: hidden;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n}\n\n.only {\n  padding: 0 5px;\n  font-size: 11px;\n  opacity: 0;\n}\n\nli:hover .only,\n.only:focus-visible {\n  opacity: 1;\n}\n\n.compare {\n  display: flex;\n  flex-direction: column;\n  gap: 6px;\n  margin-top: auto;\n  padding-top: 12px;\n  border-top: 1px solid var(--line);\n}\n\n.compare:empty {\n  display: none;\n}\n\n.compare label {\n  display: grid;\n  grid-template-columns: 26px minmax(0, 1fr);\n  align-items: center;\n}\n\n/* page */\n\n.page {\n  display: grid;\n  grid-template-rows: auto minmax(0, 1fr) auto;\n  min-width: 0;\n  min-height: 0;\n}\n\n.toolbar {\n  padding: 8px 14px 6px;\n  border-bottom: 1px solid var(--line);\n}\n\n.toolbar .row,\n.options {\n  display: flex;\n  flex-wrap: wrap;\n  align-items: center;\n  gap: 6px 16px;\n}\n\n.options:not(:empty) {\n  margin-top: 6px;\n}\n\n.options label {\n  white-space: nowrap;\n}\n\n.options output {\n  display: inline-block;\n  min-width: 34px;\n  padding-left: 6px;\n}\n\n.options input[type="range"] {\n  width: 110px;\n}\n\n.tabs {\n  display: flex;\n}\n\n.tab {\n  border: 0;\n  border-bottom: 2px solid transparent;\n  border-radius: 0;\n  padding: 4px 12px;\n  font-weight: 500;\n}\n\n.tab[aria-selected="true"] {\n  border-bottom-color: var(--accent);\n  color: var(--accent);\n}\n\n.layer {\n  display: flex;\n  gap: 4px;\n}\n\n.layer select {\n  width: 210px;\n}\n\n.layer input {\n  width: 150px;\n}\n\n.status {\n  flex: 1;\n  color: var(--muted);\n  text-align: right;\n}\n\n.segments {\n  display: inline-flex;\n}\n\n.segment {\n  margin-left: -1px;\n  border-radius: 0;\n}\n\n.segment[aria-pressed="true"] {\n  background: var(--accent);\n  border-color: var(--accent);\n  color: var(--background);\n}\n\nmain {\n  display: flex;\n  flex-direction: column;\n  min-height: 0;\n  padding: 10px 14px;\n  overflow: auto;\n}\n\n/* cards */\n\n.grid {\n  display: grid;\n  flex: none;\n  grid-template-columns: repeat(auto-fill, minmax(350px, 1fr));\n  gap: 12px;\n}\n\n.grid.large {\n  grid-template-columns: repeat(auto-fill, minmax(480px, 1fr));\n}\n\n.card {\n  min-width: 0;\n  margin: 0;\n  border: 1px solid var(--line);\n  border-radius: 6px;\n  background: var(--background);\n}\n\n.card.wide {\n  grid-column: 1 / -1;\n}\n\nfigcaption {\n  display: flex;\n  align-items: baseline;\n  gap: 8px;\n  padding: 6px 10px 0;\n}\n\nh3 {\n  min-width: 0;\n  margin: 0;\n  overflow: hidden;\n  font-size: 13px;\n  font-weight: 600;\n}\n\nh3 .title {\n  display: block;\n  max-width: 100%;\n  overflow: hidden;\n  border: 0;\n  padding: 0;\n  font-weight: inherit;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n}\n\nh3 button.title:hover {\n  text-decoration: underline;\n}\n\n.subtitle {\n  flex: 1 1 0;\n  min-width: 60px;\n  overflow: hidden;\n  color: var(--muted);\n  font-size: 12px;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n}\n\n.files {\n  display: flex;\n  flex: none;\n  gap: 2px;\n  opacity: 0.35;\n}\n\n.card:hover .files,\n.card:focus-within .files {\n  opacity: 1;\n}\n\n.file {\n  border: 0;\n  border-radius: 4px;\n  padding: 1px 4px;\n  color: var(--muted);\n  font-size: 11px;\n  text-decoration: none;\n}\n\n.holder {\n  position: relative;\n}\n\n.holder canvas {\n  position: absolute;\n  inset: 0;\n  width: 100%;\n  height: 100%;\n}\n\n.plot:focus-visible {\n  outline-offset: -3px;\n}\n\n.over {\n  pointer-events: none;\n}\n\n.state {\n  position: absolute;\n  right: 10px;\n  bottom: 2px;\n  color: var(--muted);\n  font-size: 11px;\n  pointer-events: none;\n}\n\n.state.all {\n  inset: 0;\n  display: grid;\n  place-content: center;\n  font-size: 13px;\n}\n\n.tip {\n  position: absolute;\n  z-index: 2;\n  max-width: 340px;\n  padding: 4px 8px;\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  background: var(--raised);\n  font-size: 11px;\n  line-height: 16px;\n  overflow-wrap: anywhere;\n  pointer-events: none;\n  box-shadow: 0 1px 4px rgb(0 0 0 / 25%);\n}\n\n.tip div:first-child {\n  color: var(--muted);\n}\n\n.tip.pinned {\n  border-color: var(--alert);\n}\n\n/* tables */\n\n.table {\n  flex: 1 0 260px;\n  min-height: 0;\n  margin-top: 12px;\n  overflow: auto;\n  border: 1px solid var(--line);\n  border-radius: 6px;\n}\n\ntable {\n  border-collapse: collapse;\n  font-variant-numeric: tabular-nums;\n}\n\n.table table {\n  width: 100%;\n}\n\n.table thead th {\n  position: sticky;\n  top: 0;\n  z-index: 1;\n  padding: 4px 6px;\n  background: var(--raised);\n  text-align: right;\n  white-space: nowrap;\n}\n\n.table thead th:first-child,\n.table tbody th {\n  text-align: left;\n}\n\n.table thead button {\n  border: 0;\n  padding: 2px 4px;\n  font-weight: 600;\n}\n\n.table tbody tr:not(.spacer) {\n  height: 30px;\n}\n\n.table tbody tr:not(.spacer):hover {\n  background: var(--raised);\n}\n\n.table tbody th {\n  width: 20%;\n  max-width: 260px;\n  font-weight: 400;\n}\n\n.table td {\n  padding: 0 8px 0 4px;\n  border-top: 1px solid var(--line);\n  text-align: right;\n  white-space: nowrap;\n}\n\n.table tbody th {\n  border-top: 1px solid var(--line);\n}\n\n.spacer td {\n  border: 0;\n  padding: 0;\n}\n\n.table svg,\n.blank {\n  display: inline-block;\n  margin-left: 6px;\n  vertical-align: middle;\n}\n\n.doubtful {\n  color: var(--muted);\n}\n\n.link {\n  display: block;\n  max-width: 100%;\n  overflow: hidden;\n  border: 0;\n  padding: 2px 6px;\n  text-align: left;\n  text-overflow: ellipsis;\n  white-space: nowrap;\n}\n\n.link:hover {\n  text-decoration: underline;\n}\n\n.facts:not(:empty),\n.unreadable:not(:empty) {\n  margin-top: 14px;\n}\n\n.facts td,\n.facts th,\n.unreadable td,\n.unreadable th {\n  max-width: 460px;\n  padding: 2px 14px 2px 0;\n  font-weight: 400;\n  text-align: left;\n  vertical-align: top;\n  overflow-wrap: anywhere;\n}\n\n.facts thead th,\n.unreadable thead th {\n  color: var(--muted);\n}\n\n.unreadable summary {\n  color: var(--alert);\n  cursor: pointer;\n}\n\n/* step */\n\n.stepbar {\n  display: flex;\n  flex-wrap: wrap;\n  align-items: center;\n  gap: 4px 14px;\n  padding: 6px 14px;\n  border-top: 1px solid var(--line);\n  background: var(--raised);\n}\n\n.stepbar.none {\n  visibility: hidden;\n}\n\n.stepbar .buttons {\n  display: flex;\n  gap: 2px;\n}\n\n.stepbar .buttons button {\n  min-width: 32px;\n  padding: 2px 4px;\n}\n\n.steps {\n  flex: 1 1 200px;\n}\n\n.step {\n  min-width: 190px;\n  font-variant-numeric: tabular-nums;\n}\n\n.range {\n  display: flex;\n  align-items: center;\n  gap: 6px;\n  color: var(--muted);\n}\n\n.range input {\n  width: 70px;\n}\n\n.range output {\n  min-width: 74px;\n}\n\n/* messages */\n\n.empty {\n  max-width: 720px;\n  margin: 8vh auto;\n}\n\n.empty h2 {\n  font-size: 18px;\n}\n\npre {\n  padding: 12px;\n  overflow: auto;\n  border: 1px solid var(--line);\n  border-radius: 6px;\n  background: var(--raised);\n}\n\n#redundancy-failure {\n  position: fixed;\n  inset: auto 16px 16px;\n  z-index: 10;\n  max-height: 40vh;\n  margin: 0 auto;\n  padding: 12px;\n  overflow: auto;\n  border: 2px solid var(--alert);\n  background: var(--background);\n}\n\n@media (prefers-reduced-motion: reduce) {\n  * {\n    scroll-behavior: auto !important;\n    transition: none !important;\n  }\n}\n';

// src/index.ts
function render() {
  try {
    document.documentElement.lang = "en";
    document.head.append(el("style", {}, styles_default));
    const root = el("div", { id: "redundancy" });
    document.body.append(root);
    window.addEventListener("error", (event) => {
      if (event.error) show(event.error);
    });
    window.addEventListener("unhandledrejection", (event) => show(event.reason));
    const app = new App(root);
    window.redundancy = {
      get ready() {
        return app.ready;
      },
      drawn: () => app.drawn(),
      state: () => app.state()
    };
  } catch (error) {
    show(error);
    throw error;
  }
}
function show(error) {
  document.querySelector("#redundancy-failure")?.remove();
  const element = failure(error);
  element.id = "redundancy-failure";
  document.body.append(element);
}
export {
  render
};
