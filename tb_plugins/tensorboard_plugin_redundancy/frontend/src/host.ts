// What TensorBoard lends a page in an iframe: the hash for deep links and the run selection of Scalars, the order of runs, dark mode.
// Hash and dark mode are read in the parent page, which is of the same origin but no public interface: where it is not as expected
// the page keeps its own state, and stays light.

interface Storage {
  getString(key: string): string;
  setString(key: string, value: string, options: { defaultValue: string; useLocationReplace: boolean }): void;
  getObject(key: string, options: { defaultValue: object }): Record<string, boolean>;
  setObject(key: string, value: object, options: { defaultValue: object; useLocationReplace: boolean }): void;
  addHashListener(listener: () => void): void;
}

const STATE = "p.redundancy.state";
const SELECTION = "runSelectionState";

export class Host {
  readonly #storage = storageOf();
  #own = location.hash.slice(1);

  readState(): string {
    return this.#storage ? (this.#storage.getString(STATE) ?? "") : this.#own;
  }

  writeState(text: string): void {
    this.#own = text;
    if (this.#storage) this.#storage.setString(STATE, text, { defaultValue: "", useLocationReplace: true });
    else history.replaceState(null, "", `#${text}`);
  }

  /** {run: whether it is selected} as Scalars keeps it; runs that nobody touched are absent. */
  readSelection(): ReadonlyMap<string, boolean> {
    return new Map(Object.entries(this.#storage?.getObject(SELECTION, { defaultValue: {} }) ?? {}));
  }

  writeSelection(selection: ReadonlyMap<string, boolean>): void {
    const value = Object.fromEntries(selection);
    this.#storage?.setObject(SELECTION, value, { defaultValue: {}, useLocationReplace: true });
  }

  onHash(listener: () => void): void {
    if (this.#storage) this.#storage.addHashListener(listener);
    else window.addEventListener("hashchange", listener);
  }

  get address(): string {
    return (parentWindow() ?? window).location.href;
  }

  /** Calls back now and at every change. */
  onDark(listener: (dark: boolean) => void): void {
    const body = parentWindow()?.document.body;
    const tell = () => listener(body?.classList.contains("dark-mode") ?? false);
    if (body) new MutationObserver(tell).observe(body, { attributes: true, attributeFilter: ["class"] });
    tell();
  }
}

/** The page around the iframe, null where there is none or it is of another origin. */
function parentWindow(): Window | null {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null;
  }
}

function storageOf(): Storage | null {
  const host = parentWindow() as (Window & { tensorboard?: { tf_storage?: Partial<Storage> } }) | null;
  const storage = host?.tensorboard?.tf_storage;
  const names = ["getString", "setString", "getObject", "setObject", "addHashListener"] as const;
  return storage && names.every((name) => typeof storage[name] === "function") ? (storage as Storage) : null;
}

/** TensorBoard's messages to plugins: all runs in the order that colours follow, and when data were reloaded. */
export class Messages {
  readonly #port: MessagePort;
  readonly #replies = new Map<number, (payload: unknown) => void>();
  #next = 0;

  constructor(on: { runs: (runs: string[]) => void; reloaded: () => void }) {
    const channel = new MessageChannel();
    this.#port = channel.port1;
    this.#port.onmessage = (message) => this.#receive(JSON.parse(String(message.data)), on);
    window.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
    void this.#ask("experimental.GetRuns").then((runs) => Array.isArray(runs) && on.runs(runs as string[]));
  }

  #ask(type: string): Promise<unknown> {
    const id = this.#next++;
    this.#port.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: false }));
    return new Promise((resolve) => this.#replies.set(id, resolve));
  }

  #receive(
    message: { type: string; id: number; payload: unknown; isReply: boolean },
    on: { runs: (runs: string[]) => void; reloaded: () => void },
  ): void {
    if (message.isReply) {
      this.#replies.get(message.id)?.(message.payload);
      this.#replies.delete(message.id);
      return;
    }
    if (message.type === "experimental.RunsChanged" && Array.isArray(message.payload))
      on.runs(message.payload as string[]);
    if (message.type === "experimental.DataReloaded") on.reloaded();
    this.#port.postMessage(JSON.stringify({ ...message, payload: null, error: null, isReply: true }));
  }
}
