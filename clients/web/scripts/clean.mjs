// Empties dist, but for the file that keeps it in the repository.
import { readdir, rm } from "node:fs/promises";

const dist = new URL("../dist/", import.meta.url);
for (const name of await readdir(dist).catch(() => [])) {
  if (!name.startsWith(".")) await rm(new URL(name, dist), { recursive: true });
}
