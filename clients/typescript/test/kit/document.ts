// The blocks of code of a document, by their names: "```js chat.js" is the block `chat.js`.
import { readFile } from "node:fs/promises";

export interface Block {
  readonly language: string;
  /** Empty where it has none. */
  readonly name: string;
  readonly text: string;
}

export async function blocksOf(path: string): Promise<Block[]> {
  const text = await readFile(path, "utf8");
  return [...text.matchAll(/^```(\S*) ?(.*)\n([^]*?)^```$/gm)].map(([, language = "", name = "", code = ""]) => ({
    language,
    name,
    text: code,
  }));
}

/** The block of a name. */
export function blockOf(blocks: readonly Block[], name: string): string {
  const [found, ...others] = blocks.filter((block) => block.name === name);
  if (!found || others.length > 0) throw new Error(`the document has ${others.length + (found ? 1 : 0)} blocks ${name}`);
  return found.text;
}

/** The settings that stand before a command. */
export function settingsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/\b(MADANG_[A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value] as const));
}
