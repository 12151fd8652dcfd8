// Files against the all-in-one: a file goes up and comes back, what is given up does not, refusals are errors.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MadangError } from "../src/errors.js";
import { Files } from "../src/files.js";
import { Http } from "../src/rest/http.js";
import { Rest } from "../src/rest/rest.js";
import { systemEnvironment } from "../src/environment.js";
import { type Madang, startMadang } from "./kit/madang.js";

let madang: Madang;
let rest: Rest;
let files: Files;
let room: string;

const restOf = (token: string | null) => {
  const held = async () => (token === null ? null : { token });
  return new Rest(new Http(`http://127.0.0.1:${madang.port}`, { get: held, getInsteadOf: held }, systemEnvironment(), 10_000));
};

before(async () => {
  madang = await startMadang();
  const { access_token } = await restOf(null).register({ username: "mina", password: "correct horse battery" });
  rest = restOf(access_token);
  files = new Files(rest);
  room = (await rest.createRoom({ name: "Yard", kind: "public" })).id;
});

after(() => madang.stop());

test("a file goes to a room and comes back", async () => {
  const sent = await files.upload(room, new File(["안녕"], "인사 & more?.txt"));
  assert.deepEqual([sent.name, sent.content_type, sent.size_bytes], ["인사 & more?.txt", "text/plain; charset=utf-8", 6]);
  await rest.sendMessage(room, { text: "look", attachments: [{ file: sent.file ?? "" }] });
  const { items } = await rest.listMessages(room);
  assert.deepEqual(items[0]?.attachments, [sent]);
  const bytes = await files.get(sent.file ?? "");
  assert.deepEqual([await bytes.text(), bytes.type], ["안녕", "text/plain;charset=utf-8"]);
});

test("refusals are errors of the contract", async () => {
  const refused = async (promise: Promise<unknown>) => {
    const error = await promise.then(() => null, (thrown: unknown) => thrown);
    assert.ok(error instanceof MadangError, String(error));
    return error.code;
  };
  assert.equal(await refused(files.upload("no-such-room", new Blob(["x"]))), "not_found");
  assert.equal(await refused(files.upload(room, new Blob(["x"]), { name: "a/b" })), "invalid_argument");
  assert.equal(await refused(files.get("01a2024d-95d7-7ac3-8afb-e3a86cee2d1a")), "not_found");
  assert.equal(await refused(new Files(restOf(null)).get("01a2024d-95d7-7ac3-8afb-e3a86cee2d1a")), "unauthenticated");
  assert.equal(await refused(new Files(restOf("wrong")).upload(room, new Blob(["x"]))), "unauthenticated");
});

test("an upload that is given up ends with what its signal says", async () => {
  const given = new AbortController();
  const upload = files.upload(room, new Blob([new Uint8Array(20_000_000)]), { name: "large", signal: given.signal });
  given.abort(new Error("not any more"));
  await assert.rejects(upload, /not any more/);
});

test("progress is told where the platform has it", async () => {
  const said: [number, number][] = [];
  class Request {
    upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
    onload = () => {};
    status = 201;
    responseText = JSON.stringify({ file: "7" });
    open(method: string, url: string) {
      assert.deepEqual([method, new URL(url).searchParams.get("name")], ["POST", "a b"]);
    }
    setRequestHeader() {}
    getResponseHeader() {
      return null;
    }
    send(body: Blob) {
      this.upload.onprogress?.({ loaded: 1, total: body.size });
      this.upload.onprogress?.({ loaded: body.size, total: body.size });
      this.onload();
    }
  }
  Object.assign(globalThis, { XMLHttpRequest: Request });
  try {
    const onProgress = (sent: number, total: number) => void said.push([sent, total]);
    const sent = await files.upload(room, new Blob(["four"]), { name: "a b", onProgress });
    assert.equal(sent.file, "7");
  } finally {
    Reflect.deleteProperty(globalThis, "XMLHttpRequest");
  }
  assert.deepEqual(said, [[1, 4], [4, 4]]);
});
