// Writes src/contract/schemas.ts and src/contract/codes.ts from the two documents of the contract.
//
//   node scripts/generate.mjs           writes them
//   node scripts/generate.mjs --check   exits with 1 if they are not what the documents say
import { readFile, writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import openapiTS, { astToString } from "openapi-typescript";

const DOCUMENTS = new URL("../../../docs/", import.meta.url);
const TARGET = new URL("../src/contract/", import.meta.url);
const HEAD = "// Generated from docs/openapi.json and docs/asyncapi.json by `npm run generate`. Do not edit.\n\n";

const read = async (name) => JSON.parse(await readFile(new URL(name, DOCUMENTS), "utf8"));

/** A schema without what says nothing of its form, to compare the two documents. */
function form(schema) {
  if (Array.isArray(schema)) return schema.map(form);
  if (schema === null || typeof schema !== "object") return schema;
  const entries = Object.entries(schema).filter(([key]) => key !== "description" && key !== "examples");
  const plain = Object.fromEntries(entries.map(([key, value]) => [key, form(value)]));
  // AsyncAPI wraps a reference which has a description beside it.
  const { allOf, ...rest } = plain;
  return allOf?.length === 1 && Object.keys(rest).length === 0 ? allOf[0] : plain;
}

/** `client-ok-history` is `ClientOkHistory`. */
const typeName = (message) => message.replace(/(^|[-_])([a-z])/g, (_, _mark, letter) => letter.toUpperCase());

function schemasOf(openapi, asyncapi) {
  const schemas = { ...openapi.components.schemas };
  for (const [name, schema] of Object.entries(asyncapi.components.schemas)) {
    if (name in schemas && !isDeepStrictEqual(form(schemas[name]), form(schema))) {
      throw new Error(`the two documents have different schemas of the name ${name}`);
    }
    schemas[name] ??= schema;
  }
  for (const [name, message] of Object.entries(asyncapi.components.messages)) {
    const type = typeName(name);
    if (type in schemas) throw new Error(`a message and a schema have the same name: ${type}`);
    schemas[type] = { description: message.summary, ...message.payload };
  }
  return schemas;
}

async function typesOf(schemas) {
  const document = { openapi: "3.1.0", info: { title: "Madang", version: "1" }, paths: {}, components: { schemas } };
  const types = await openapiTS(document, { defaultNonNullable: false });
  // Of the whole document only the schemas are of use.
  const text = astToString(types);
  const start = text.indexOf("export interface components");
  const end = text.indexOf("export type $defs");
  if (start < 0 || end < 0) throw new Error("the generator's output has another form than expected");
  const names = Object.keys(schemas).sort();
  const aliases = names.map((name) => `export type ${name} = components["schemas"]["${name}"];\n`).join("");
  return `${HEAD}${text.slice(start, end)}\n${aliases}`;
}

function codesOf(asyncapi) {
  const socket = asyncapi.channels.socket;
  const closes = socket["x-close-codes"].map(
    ({ code, name, retry }) => `  ${code}: { name: ${JSON.stringify(name)}, retry: ${retry} },\n`,
  );
  return (
    `${HEAD}/** Why the server closes a socket, and whether to reconnect as it is. */\n` +
    `export const CLOSE_CODES: Readonly<Record<number, { readonly name: string; readonly retry: boolean }>> = {\n` +
    `${closes.join("")}};\n`
  );
}

const [openapi, asyncapi] = await Promise.all([read("openapi.json"), read("asyncapi.json")]);
const files = {
  "schemas.ts": await typesOf(schemasOf(openapi, asyncapi)),
  "codes.ts": codesOf(asyncapi),
};
let stale = false;
for (const [name, text] of Object.entries(files)) {
  const url = new URL(name, TARGET);
  if (!process.argv.includes("--check")) {
    await writeFile(url, text);
  } else if ((await readFile(url, "utf8").catch(() => "")) !== text) {
    stale = true;
    console.error(`src/contract/${name} is not what the contract says: run \`npm run generate\``);
  }
}
process.exit(stale ? 1 : 0);
