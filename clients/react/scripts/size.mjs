// Says how large the hooks are in a page: bundled without React and the client, minified and compressed.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The bounds of the entry points, in bytes. What is loaded by itself does not have the hooks of the first one. */
const BOUNDS = { "index.tsx": 5_000, "files.ts": 1_500, "people.ts": 1_000, "presence.ts": 1_000, "receipts.ts": 1_000, "search.ts": 1_000, "threads.ts": 2_500, "typing.ts": 1_000 };

let isLarge = false;
for (const [entry, bound] of Object.entries(BOUNDS)) {
  const { outputFiles } = await build({
    entryPoints: [new URL(`../src/${entry}`, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["react", "@madang/client", "@madang/client/files", "@madang/client/receipts", "@madang/client/threads", "./index.js"],
    write: false,
  });
  const code = outputFiles[0].contents;
  const gzip = gzipSync(code, { level: 9 }).length;
  isLarge ||= gzip > bound;
  console.log(`${entry}: ${code.length} bytes minified, ${gzip} bytes with gzip; at most ${bound}`);
}
process.exit(isLarge ? 1 : 0);
