// Cards side by side. Only those on the screen, or nearly, are built and painted.

import type { Theme } from "../plot/theme.ts";
import { Card, type CardSpec } from "./card.ts";
import { el } from "./dom.ts";

export class Grid {
  readonly element = el("div", { class: "grid" });
  readonly #cards = new Map<string, Card>();
  readonly #byElement = new WeakMap<Element, Card>();
  readonly #seen: IntersectionObserver;
  readonly #resized: ResizeObserver;

  constructor(changed: () => void) {
    this.#seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) this.#sight(entry);
        changed();
      },
      { rootMargin: "120px" },
    );
    this.#resized = new ResizeObserver(changed);
    this.#resized.observe(this.element);
  }

  /** Whether it is known of every card if it is on the screen, and those that are have all their steps. */
  get settled(): boolean {
    return [...this.#cards.values()].every((card) => card.sighted && !(card.visible && card.spec.loading));
  }

  #sight(entry: IntersectionObserverEntry): void {
    const card = this.#byElement.get(entry.target);
    if (!card) return;
    card.visible = entry.isIntersecting;
    card.sighted = true;
    if (!card.visible) card.hide();
  }

  get visible(): Card[] {
    return [...this.#cards.values()].filter((card) => card.visible);
  }

  /** The cards in this order; those that were there keep their pins and their place on the screen. */
  update(specs: readonly CardSpec[], theme: Theme): void {
    const wanted = new Set(specs.map(({ id }) => id));
    for (const [id, card] of this.#cards) if (!wanted.has(id)) this.#remove(id, card);
    let before: Element | null = this.element.firstElementChild;
    for (const spec of specs) {
      const card = this.#cards.get(spec.id) ?? this.#add(spec, theme);
      card.update(spec, theme);
      if (card.element === before) before = before.nextElementSibling;
      else this.element.insertBefore(card.element, before);
    }
  }

  #add(spec: CardSpec, theme: Theme): Card {
    const card = new Card(spec, theme);
    this.#cards.set(spec.id, card);
    this.#byElement.set(card.element, card);
    this.#seen.observe(card.element);
    return card;
  }

  #remove(id: string, card: Card): void {
    this.#seen.unobserve(card.element);
    card.element.remove();
    this.#cards.delete(id);
  }

  paint(): void {
    for (const card of this.visible) card.show();
  }
}
