/* Makes assets/plotly/plotly-charts.min.js.gz: of Plotly just what our charts draw. It is run by hand, when Plotly or the charts change:

     npm install --no-save --ignore-scripts plotly.js@4.1.1 esbuild@0.28.1 esbuild-plugin-environment@0.5.0 esbuild-plugin-glsl@1.4.2 stream-browserify
     node node_modules/esbuild/install.js
     node PATH/TO/tests/js/support/plotly_bundle.js      (in the same, otherwise empty folder)

   The settings are those of Plotly's own esbuild-config.js, without the styles of its maps. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

const TRACES = ["bar", "heatmap"] // beside scatter, which is in Plotly's core
const OUT = fileURLToPath(new URL("../../../assets/plotly/plotly-charts.min.js.gz", import.meta.url))

const here = createRequire(`${process.cwd()}/`)
const { build } = here("esbuild")
const { environmentPlugin } = here("esbuild-plugin-environment")
const { glsl } = here("esbuild-plugin-glsl")
const { version } = JSON.parse(readFileSync("node_modules/plotly.js/package.json", "utf8"))
const traces = TRACES.map((each) => `require("plotly.js/lib/${each}")`).join(", ")

mkdirSync("made", { recursive: true })
writeFileSync("made/charts.js", `const Plotly = require("plotly.js/lib/core")\nPlotly.register([${traces}])\nmodule.exports = Plotly\n`)
await build({
  entryPoints: ["made/charts.js"],
  outfile: "made/charts.min.js",
  banner: {
    js: `/* plotly.js v${version}: scatter, ${TRACES.join(", ")}. Copyright 2012-2026, Plotly, Inc. Licensed under the MIT license. */`,
  },
  footer: { js: "window.Plotly = Plotly" },
  format: "iife",
  globalName: "Plotly",
  bundle: true,
  minify: true,
  plugins: [glsl({ minify: true }), environmentPlugin({ NODE_DEBUG: false })],
  loader: { ".css": "empty" },
  alias: { regl: "@plotly/regl", stream: "stream-browserify" },
  define: { global: "window", "define.amd": "false" },
  target: "es2016",
})
writeFileSync(OUT, gzipSync(readFileSync("made/charts.min.js"), { level: 9 }))
