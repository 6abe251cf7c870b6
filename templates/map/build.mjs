// Bundles the map: `node build.mjs OUT`, where `npm ci` has run. Every file is named by what is in it, so that browsers
// may keep it for ever, and lies beside itself compressed. `manifest.json` says which name each part has.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const out = process.argv[2];
const shared = { bundle: true, minify: true, format: "esm", target: "es2022", write: false, legalComments: "none" };
const parts = {};

function keep(name, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const [stem, ending] = name.split(/\.(?=[a-z]+$)/);
  const named = `${stem}-${hash}.${ending}`;
  writeFileSync(join(out, `${named}.gz`), gzipSync(bytes, { level: 9 }));
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(join(out, `${named}.br`), brotliCompressSync(bytes, { params: quality }));
  parts[name] = named;
}

mkdirSync(out, { recursive: true });
for (const entry of ["drawing.js", "viewing.js"]) {
  const made = await build({ ...shared, entryPoints: [entry] });
  keep(entry, made.outputFiles[0].contents);
}
const worker = await build({ ...shared, entryPoints: ["maplibre-gl/dist/maplibre-gl-worker.mjs"] });
keep("worker.js", worker.outputFiles[0].contents);
const style = await build({ ...shared, format: undefined, entryPoints: ["map.css"] });
keep("map.css", style.outputFiles[0].contents);
const licences = ["maplibre-gl/LICENSE.txt", "terra-draw/LICENSE", "terra-draw-maplibre-gl-adapter/LICENSE"].map((path) => {
  let words = "See its page in the npm registry.";
  try {
    words = readFileSync(join("node_modules", path), "utf8");
  } catch {
    // a release without the file: its package.json names the licence
    words = JSON.parse(readFileSync(join("node_modules", path.split("/")[0], "package.json"), "utf8")).license;
  }
  return `${path.split("/")[0]}\n\n${words.trim()}\n`;
});
writeFileSync(join(out, "LICENCES"), licences.join(`\n${"-".repeat(72)}\n\n`));
writeFileSync(join(out, "manifest.json"), JSON.stringify({ parts, stamp: process.argv[3] ?? "" }, null, 1));
console.log(Object.values(parts).map((name) => basename(name)).join("\n"));
