// Writes each file once more, compressed with brotli, where that is smaller: the server sends what a browser takes.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.startsWith(".") || entry.name.endsWith(".br")) continue;
  const path = join(entry.parentPath, entry.name);
  const content = await readFile(path);
  const compressed = brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });
  if (compressed.length < content.length) await writeFile(`${path}.br`, compressed);
}
