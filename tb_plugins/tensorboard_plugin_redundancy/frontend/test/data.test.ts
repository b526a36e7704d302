import assert from "node:assert/strict";
import test from "node:test";
import { Catalogue } from "../src/data/catalogue.ts";
import type { Client } from "../src/data/client.ts";
import { decodeBatch, keyOf, parseTags, type Batch } from "../src/data/protocol.ts";
import { nearest, toEvents } from "../src/data/series.ts";
import { readSpectrum } from "../src/data/spectrum.ts";
import { Store, type Want } from "../src/data/store.ts";
import { events, FIT } from "./events.ts";

/** The padding counts as part of the header, or stands behind it. */
function pack(header: object, floats: readonly number[], version = 1, inside = true): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = 4 * Math.ceil((12 + text.length) / 4);
  const buffer = new ArrayBuffer(padded + 4 * floats.length);
  const bytes = new Uint8Array(buffer);
  bytes.fill(32, 12, padded);
  bytes.set(new TextEncoder().encode("TFRD"));
  bytes.set(text, 12);
  const view = new DataView(buffer);
  view.setUint32(4, version, true);
  view.setUint32(8, inside ? padded - 12 : text.length, true);
  floats.forEach((float, i) => view.setFloat32(padded + 4 * i, float, true));
  return buffer;
}

test("a batch is read as it was packed, whatever the length of its header", () => {
  for (const run of ["", "a", "ab", "abc", "層/🧠"]) {
    const first = { run, tag: "x", steps: [3, 5], wallTimes: [1, 2], lengths: [2, 1], offset: 0, error: null };
    const second = { run, tag: "y", steps: [7], wallTimes: [null], lengths: [1], offset: 12, error: "half" };
    const inside = run.length % 2 === 0;
    const { series, next } = decodeBatch(pack({ series: [first, second], next: 2 }, [1, 2, 3, NaN], 1, inside));
    assert.equal(next, 2);
    assert.deepEqual(
      [...series[0]!.values].map((each) => [...each]),
      [[1, 2], [3]],
    );
    assert.deepEqual([...series[1]!.values[0]!], [NaN]);
    assert.equal(series[0]!.run, run);
    assert.equal(series[1]!.error, "half");
  }
});

test("other bytes and newer versions are refused with what they are", () => {
  assert.throws(() => decodeBatch(new ArrayBuffer(3)), /begins with TFRD. Received: 3 bytes/);
  assert.throws(() => decodeBatch(new TextEncoder().encode("<html>no no no</html>").buffer), /begins with TFRD/);
  assert.throws(() => decodeBatch(pack({ series: [], next: null }, [], 2)), /version 2/);
  assert.throws(() => parseTags({ version: 2 }), /version 2/);
});

test("names of any kind are keys of their own", () => {
  const hostile = JSON.parse(
    '{"version":1,"runs":{"__proto__":{"constructor":{"kind":"esd","layer":"__proto__","supported":true}}},"scalars":{}}',
  );
  const catalogue = new Catalogue(parseTags(hostile));
  assert.deepEqual(catalogue.runs, ["__proto__"]);
  assert.equal(catalogue.find("__proto__", "esd", "__proto__")?.tag, "constructor");
  assert.notEqual(keyOf("a", "b/c"), keyOf("a/b", "c"));
});

test("events ascend, a repeated step keeps what was written last, a short vector is none", () => {
  const values = [[5, 50], [3, 30], [3, 31], [9]].map((each) => Float32Array.from(each));
  const answer = { run: "", tag: "", steps: [5, 3, 3, 9], wallTimes: [], values, error: null };
  const found = toEvents(answer, ["a", "b"]);
  assert.deepEqual(
    found.map(({ step }) => step),
    [3, 5],
  );
  assert.equal(found[0]!.head("b"), 31);
  assert.ok(Number.isNaN(found[0]!.head("c")));
});

test("the nearest step, the earlier of two", () => {
  const steps = [0, 10, 20];
  assert.deepEqual(
    [-5, 4, 5, 6, 15, 99].map((step) => nearest(steps, step)),
    [0, 0, 0, 1, 1, 2],
  );
  assert.equal(nearest([], 3), -1);
});

test("192 quantiles stand for all eigenvalues but the top 64", () => {
  const [event] = events("esd", [[0, { ...FIT, n_total: 1000 }, Array.from({ length: 256 }, (_, i) => i)]]);
  const { weights } = readSpectrum(event!);
  assert.equal(weights[0], Math.fround(936 / 192));
  assert.deepEqual([weights[191] === weights[0], weights[192], weights[255]], [true, 1, 1]);
  assert.ok(Math.abs(weights.reduce((a, b) => a + b, 0) - 1000) < 1e-2);
});

test("NaN among eigenvalues is left out and counted", () => {
  const [event] = events("esd", [[0, { ...FIT, n_total: 4 }, [1, 2, NaN, Infinity]]]);
  const spectrum = readSpectrum(event!);
  assert.deepEqual([[...spectrum.values], spectrum.nonfinite], [[1, 2], 2]);
});

test("layers stand in network order, unknown places last", () => {
  const info = (layer: string, order: number | null) => ({ kind: "esd", layer, order, supported: true });
  const runs = { a: { x: info("last", null), y: info("second", 1), z: info("first", 0) } };
  assert.deepEqual(new Catalogue(parseTags({ version: 1, runs, scalars: {} })).layers, ["first", "second", "last"]);
});

test("what can not be read is told, and still found where its layer is known", () => {
  const newer = { kind: "esd", layer: "conv", supported: false, reason: "written by a newer tfredundancy" };
  const garbage = { kind: null, layer: null, supported: false, reason: "garbage" };
  const catalogue = new Catalogue(parseTags({ version: 1, runs: { a: { newer, garbage } }, scalars: {} }));
  assert.deepEqual(
    catalogue.unreadable.map(({ reason }) => reason),
    [newer.reason, "garbage"],
  );
  assert.deepEqual(catalogue.layers, ["conv"]);
});

class FakeClient {
  readonly asked: string[][] = [];

  batch(series: readonly (readonly [string, string])[], steps: "all" | "last"): Promise<Batch> {
    this.asked.push([steps, ...series.map(([, tag]) => tag)]);
    const some = series.slice(0, 2); // answers two at a time
    const values = [Float32Array.of(8, 5, 1, 1)];
    const answers = some.map(([run, tag]) => ({ run, tag, steps: [7], wallTimes: [0], values, error: null }));
    return Promise.resolve({ series: answers, next: series.length > 2 ? 2 : null });
  }
}

function want(tag: string, steps: "all" | "last" = "all", maxStep = 7): Want {
  return { run: "run", tag, scalar: false, kind: "mask", header: ["units", "kept"], maxStep, steps };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("the store asks again for what an answer had no room for, and once for what it has", async () => {
  const client = new FakeClient();
  const store = new Store(client as unknown as Client, () => {});
  store.plan(["a", "b", "c"].map((tag) => want(tag)));
  await settled();
  assert.deepEqual(client.asked, [
    ["all", "a", "b", "c"],
    ["all", "c"],
  ]);
  store.plan(["a", "b", "c"].map((tag) => want(tag)));
  await settled();
  assert.equal(client.asked.length, 2);
  assert.equal(store.column("run", "a", "kept")?.values[0], 5);
  assert.deepEqual(store.steps(new Set(["run"])), [7]);
  assert.equal(store.waiting, 0);
});

test("the store asks again where the list of tags has a later step", async () => {
  const client = new FakeClient();
  const store = new Store(client as unknown as Client, () => {});
  store.plan([want("a", "last")]);
  await settled();
  store.plan([want("a", "last")]);
  store.plan([want("a", "all")]);
  await settled();
  store.plan([want("a", "all", 8)]);
  await settled();
  assert.deepEqual(
    client.asked.map(([steps]) => steps),
    ["last", "all", "all"],
  );
});
