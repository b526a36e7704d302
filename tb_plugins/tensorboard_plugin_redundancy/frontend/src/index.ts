// TensorBoard imports this module and calls render(). What fails is written on the page: a blank tab would say nothing.

import { App } from "./app.ts";
import css from "./styles.css";
import { el } from "./ui/dom.ts";
import { failure } from "./ui/empty.ts";

declare global {
  interface Window {
    redundancy?: { readonly ready: boolean; drawn(): object[]; state(): object };
  }
}

export function render(): void {
  try {
    document.documentElement.lang = "en";
    document.head.append(el("style", {}, css));
    const root = el("div", { id: "redundancy" });
    document.body.append(root);
    window.addEventListener("error", (event) => {
      if (event.error) show(event.error); // without one it is a note of the browser, as of a ResizeObserver
    });
    window.addEventListener("unhandledrejection", (event) => show(event.reason));
    const app = new App(root);
    window.redundancy = {
      get ready() {
        return app.ready;
      },
      drawn: () => app.drawn(),
      state: () => app.state(),
    };
  } catch (error) {
    show(error);
    throw error;
  }
}

function show(error: unknown): void {
  document.querySelector("#redundancy-failure")?.remove();
  const element = failure(error);
  element.id = "redundancy-failure";
  document.body.append(element);
}
