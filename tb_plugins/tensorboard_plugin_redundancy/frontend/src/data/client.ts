// Requests to the backend, by URLs relative to the page: they hold below any --path_prefix and /experiment/ID/.

import { decodeBatch, parseTags, type Batch, type Tags } from "./protocol.ts";

export class Client {
  #etag: string | null = null;

  /** The list of tags, null where it is the same as last time. */
  async tags(): Promise<Tags | null> {
    const headers: HeadersInit = this.#etag ? { "If-None-Match": this.#etag } : {};
    const response = await fetch("./tags", { headers, cache: "no-store" });
    if (response.status === 304) return null;
    await check(response);
    this.#etag = response.headers.get("ETag");
    return parseTags(await response.json());
  }

  async batch(series: readonly (readonly [string, string])[], steps: "all" | "last", scalars: boolean): Promise<Batch> {
    const body = JSON.stringify({ series, steps, scalars });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("./batch", { method: "POST", headers, body });
    await check(response);
    return decodeBatch(await response.arrayBuffer());
  }
}

export function exportUrl(run: string, tag: string, format: "csv" | "npz"): string {
  return `./export?${new URLSearchParams({ run, tag, format })}`;
}

async function check(response: Response): Promise<void> {
  if (!response.ok)
    throw new Error(`TensorBoard answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
}
