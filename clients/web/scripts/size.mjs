// Says how large the application is at its first load, with gzip. Exits with 1 above the bound.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** The bound, in bytes. */
const BOUND = 160_000;

const dist = new URL("../dist/", import.meta.url);
const page = await readFile(new URL("index.html", dist), "utf8");
// What the page itself names: what is loaded later is not named there.
const names = [...page.matchAll(/(?:src|href)="\.?\/?([^"]+)"/g)].map(([, name]) => name);
let total = gzipSync(page, { level: 9 }).length;
for (const name of names) {
  const size = gzipSync(await readFile(new URL(name, dist)), { level: 9 }).length;
  total += size;
  console.log(`${String(size).padStart(8)} bytes with gzip  ${name}`);
}
console.log(`${String(total).padStart(8)} bytes with gzip at first load; at most ${BOUND}`);
if (/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=/.test(page)) {
  console.error("the page has inline scripts or styles, which its policy refuses");
  process.exit(1);
}
process.exit(total > BOUND ? 1 : 0);
