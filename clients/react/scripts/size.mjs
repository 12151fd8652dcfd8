// Says how large the hooks are in a page: bundled without React and the client, minified and compressed.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The bound, in bytes. */
const BOUND = 5_000;

const { outputFiles } = await build({
  entryPoints: [new URL("../src/index.tsx", import.meta.url).pathname],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  external: ["react", "@madang/client"],
  write: false,
});
const code = outputFiles[0].contents;
const gzip = gzipSync(code, { level: 9 }).length;
console.log(`${code.length} bytes minified, ${gzip} bytes with gzip; at most ${BOUND}`);
process.exit(gzip > BOUND ? 1 : 0);
