// Elements without markup: every name becomes text, never HTML.

type Child = Node | string;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function svg(tag: string, attributes: Record<string, string>, ...children: Child[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(text: string, title: string, click: () => void, className = ""): HTMLButtonElement {
  const element = el("button", { type: "button", title, class: className }, text);
  if (title && title !== text) element.setAttribute("aria-label", title);
  element.addEventListener("click", click);
  return element;
}

/** Changes the text only where it differs: screen readers announce what changes. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function choice(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  change: (value: string) => void,
): { element: HTMLLabelElement; set: (value: string) => void } {
  const select = el("select", {}, ...options.map(([value, text]) => el("option", { value }, text)));
  select.addEventListener("change", () => change(select.value));
  return { element: el("label", {}, `${label} `, select), set: (value) => (select.value = value) };
}

export function check(
  label: string,
  title: string,
  change: (on: boolean) => void,
): { element: HTMLLabelElement; set: (on: boolean) => void } {
  const box = el("input", { type: "checkbox" });
  box.addEventListener("change", () => change(box.checked));
  return { element: el("label", { title }, box, ` ${label}`), set: (on) => (box.checked = on) };
}

export function slider(
  label: string,
  [low, high, step]: readonly [number, number, number],
  words: (value: number) => string,
  change: (value: number) => void,
): { element: HTMLLabelElement; set: (value: number) => void } {
  const input = el("input", { type: "range", min: String(low), max: String(high), step: String(step) });
  const text = el("output", {});
  const tell = (value: number) => {
    setText(text, words(value));
    input.setAttribute("aria-valuetext", words(value));
  };
  input.addEventListener("input", () => {
    tell(input.valueAsNumber);
    change(input.valueAsNumber);
  });
  return {
    element: el("label", {}, `${label} `, input, text),
    set: (value) => {
      input.value = String(value);
      tell(value);
    },
  };
}

export function filter(
  label: string,
  change: (text: string) => void,
): { element: HTMLInputElement; set: (text: string, valid: boolean) => void } {
  const input = el("input", { type: "search", placeholder: label, "aria-label": label, spellcheck: "false" });
  input.addEventListener("input", () => change(input.value));
  return {
    element: input,
    set: (text, valid) => {
      if (document.activeElement !== input) input.value = text;
      input.setAttribute("aria-invalid", String(!valid));
      input.title = valid ? label : "not a regular expression: nothing is filtered";
    },
  };
}
