// Says how large the package is in a page: bundled, minified and compressed. Exits with 1 above the bound.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The bound, in bytes. */
export const BOUND = 15_000;

export async function measure() {
  const { outputFiles } = await build({
    entryPoints: [new URL("../src/index.ts", import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  const code = outputFiles[0].contents;
  return { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { minified, gzip } = await measure();
  console.log(`${minified} bytes minified, ${gzip} bytes with gzip; at most ${BOUND}`);
  process.exit(gzip > BOUND ? 1 : 0);
}
