// The plugin's spectra drawn by Plotly: the same series of the same backend, in as many cards of the same size as our page has
// on its screen (`window.cards`, given by the benchmark). All series are loaded; what is out of sight is not drawn.

const BINS = 40;
const CURVE = 120;
const AT_ONCE = 40; // series in a request, as on our page
const COLOURS = { bars: "#425066", ghost: "#9aa0a6", noise: "#12b5cb", tail: "#e52592" };

const page = { first: false, ready: false };
window.plotlyPage = page;

export async function render() {
  const { number, width, height } = window.cards;
  const [, tags] = await Promise.all([library(), (await fetch("../redundancy/tags")).json()]);
  const wanted = spectraOf(tags);
  const cards = wanted.slice(0, number).map(() => card(width, height));
  const [slider, output] = [document.createElement("input"), document.createElement("output")];
  Object.assign(slider, { type: "range", className: "steps", min: "0" });
  document.body.append(slider, output);
  const series = [];
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    series.push(...(await batch(wanted.slice(from, from + AT_ONCE))));
    if (from === 0) {
      slider.max = slider.value = String(series[0].events.length - 1);
      await draw("newPlot", cards, series, Number(slider.max));
      page.first = true;
    }
  }
  let asked = false;
  slider.addEventListener("input", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      output.textContent = slider.value;
      void draw("react", cards, series, Number(slider.value));
    });
  });
  page.ready = true;
}

function library() {
  return new Promise((loaded, failed) => {
    const script = document.createElement("script");
    Object.assign(script, { src: "./static/plotly.js", onload: loaded, onerror: failed });
    document.head.append(script);
  });
}

function card(width, height) {
  const element = document.createElement("div");
  element.style.cssText = `display:inline-block;width:${width}px;height:${height}px`;
  document.body.append(element);
  return element;
}

function spectraOf({ runs }) {
  const found = Object.entries(runs).flatMap(([run, tags]) =>
    Object.entries(tags).map(([tag, info]) => ({ run, tag, ...info })),
  );
  return found.filter(({ kind }) => kind === "esd").sort((a, b) => a.order - b.order);
}

async function batch(wanted) {
  const body = JSON.stringify({ series: wanted.map(({ run, tag }) => [run, tag]), steps: "all", scalars: false });
  const headers = { "Content-Type": "application/json" };
  const buffer = await (await fetch("../redundancy/batch", { method: "POST", headers, body })).arrayBuffer();
  const length = new DataView(buffer).getUint32(8, true);
  const { series } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, length)));
  const payload = 4 * Math.ceil((12 + length) / 4);
  return series.map((each, i) => decoded(buffer, payload, each, wanted[i]));
}

function decoded(buffer, payload, { offset, lengths, steps }, { layer, header }) {
  let at = payload + offset;
  const events = lengths.map((length, i) => {
    const floats = new Float32Array(buffer, at, length);
    at += 4 * length;
    const head = Object.fromEntries(header.map((name, j) => [name, floats[j]]));
    return { step: steps[i], head, values: floats.subarray(header.length) };
  });
  return { layer, events };
}

async function draw(how, cards, series, index) {
  await Promise.all(cards.map((element, i) => Plotly[how](element, ...picture(series[i], index), { staticPlot: false })));
}

/** Traces and layout: bars, those of step 0, the law of the bulk and of the tail, the bulk edge and xmin. */
function picture({ layer, events }, index) {
  const { head, values } = events[index];
  const ends = events.flatMap((event) => [event.values[0], event.values.at(-1)]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const edges = Array.from({ length: BINS + 1 }, (_, i) => low * (high / low) ** (i / BINS));
  const middles = edges.slice(1).map((edge, i) => Math.sqrt(edge * edges[i]));
  const widths = edges.slice(1).map((edge, i) => edge - edges[i]);
  const [from, to] = [-1, 1].map((sign) => head.sigma2 * (1 + sign / Math.sqrt(head.q)) ** 2);
  const bulk = spaced(from, to).map((x) => [x, x * marchenkoPastur(x, head, from, to)]);
  const share = head.n_tail / values.length;
  const tail = spaced(head.xmin, high).map((x) => [x, share * (head.alpha - 1) * (x / head.xmin) ** (1 - head.alpha)]);
  const bars = { type: "bar", x: middles, y: density(values, edges), width: widths, marker: { color: COLOURS.bars } };
  const traces = [bars, line(middles, density(events[0].values, edges), "ghost"), curve(bulk, "noise"), curve(tail, "tail")];
  return [traces, layoutOf(layer, low, high, head)];
}

function spaced(from, to) {
  return Array.from({ length: CURVE }, (_, i) => from * (to / from) ** (i / (CURVE - 1)));
}

function marchenkoPastur(x, { q, sigma2 }, from, to) {
  return (q * Math.sqrt(Math.max(0, (to - x) * (x - from)))) / (2 * Math.PI * sigma2 * x);
}

/** Density of log λ. */
function density(values, edges) {
  const heights = new Float64Array(BINS);
  const width = Math.log(edges[1] / edges[0]);
  for (const value of values) {
    heights[Math.max(0, Math.min(BINS - 1, Math.floor(Math.log(value / edges[0]) / width)))] += 1 / (values.length * width);
  }
  return heights;
}

function line(x, y, ink) {
  return { type: "scatter", mode: "lines", x, y, line: { color: COLOURS[ink], width: 1.5 } };
}

function curve(points, ink) {
  return line(points.map(([x]) => x), points.map(([, y]) => y), ink);
}

function layoutOf(layer, low, high, { bulk_edge, xmin }) {
  const rule = (x, ink) => ({
    type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: COLOURS[ink], width: 1, dash: "dash" },
  });
  const { width, height } = window.cards;
  return {
    title: { text: layer, font: { size: 12 } }, width, height, showlegend: false, margin: { l: 40, r: 8, t: 24, b: 30 },
    xaxis: { type: "log", range: [Math.log10(low), Math.log10(high)] }, yaxis: { range: [0, 1.6] },
    shapes: [rule(bulk_edge, "noise"), rule(xmin, "tail")],
  };
}
