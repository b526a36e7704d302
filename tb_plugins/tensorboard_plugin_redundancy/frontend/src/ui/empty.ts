// What stands on the page before there are data, and where something went wrong.

import { el } from "./dom.ts";

const CODE = `import tfredundancy as tfr
monitor = tfr.callbacks.RedundancyMonitor("runs/mine")  # below --logdir
model.fit(x, y, epochs=10, callbacks=[monitor])`;

export function emptyState(): HTMLElement {
  return el(
    "section",
    { class: "empty" },
    el("h2", {}, "No redundancy was recorded here yet"),
    el("p", {}, "Three lines log spectra, angles and masks of every layer while a Keras model trains:"),
    el("pre", {}, el("code", {}, CODE)),
    el("p", {}, "This page looks for data every five seconds and shows them when they are there."),
  );
}

export function nothingShown(what: string): HTMLElement {
  return el("section", { class: "empty" }, el("p", {}, what));
}

export function failure(error: unknown): HTMLElement {
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
  const head = el("h2", {}, "The Redundancy page stopped");
  return el("section", { class: "empty", role: "alert" }, head, el("pre", {}, text));
}
