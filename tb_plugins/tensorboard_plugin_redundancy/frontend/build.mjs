// src/ and three d3 modules → ../static/index.js, one file whose first line carries the hash of its sources (README.md says how).
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { build } from "esbuild";

const SINGLE = ["build.mjs", "package-lock.json", "package.json"];

function sources() {
  const below = readdirSync("src", { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = below.map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll("\\", "/"));
  return [...names, ...SINGLE].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export function hash() {
  const sum = createHash("sha256");
  for (const name of sources()) {
    const bytes = readFileSync(name);
    sum.update(`${name}\n${bytes.length}\n`).update(bytes);
  }
  return sum.digest("hex");
}

await build({
  entryPoints: ["src/index.ts"],
  outfile: "../static/index.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  loader: { ".css": "text" },
  banner: { js: `// sources sha256 ${hash()}` },
  logLevel: "warning",
});
