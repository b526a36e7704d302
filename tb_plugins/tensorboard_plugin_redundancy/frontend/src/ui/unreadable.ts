// Series that can not be drawn, with the reason: they are told, not skipped.

import type { Catalogue } from "../data/catalogue.ts";
import { counted } from "../maths/format.ts";
import { el } from "./dom.ts";

const MOST = 100;

export function unreadableList({ unreadable }: Catalogue, shown: boolean): HTMLElement[] {
  if (!shown || !unreadable.length) return [];
  const rows = unreadable.slice(0, MOST).map(({ run, tag, reason }) => {
    const cells = [run || ".", tag, reason].map((text) => el("td", { dir: "auto" }, text));
    return el("tr", {}, ...cells);
  });
  const head = el("tr", {}, ...["run", "tag", "why"].map((text) => el("th", { scope: "col" }, text)));
  const summary = el("summary", {}, `⚠ ${counted(unreadable.length, "series", "series")} can not be drawn`);
  return [el("details", {}, summary, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)))];
}
