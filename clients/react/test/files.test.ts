// The hooks of files with real React, in strict mode, on a client whose server answers as it is told.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { JSDOM } from "jsdom";
import { type Client, MadangError } from "@madang/client";
import { type FC, StrictMode, act, createElement } from "react";
import type { Root } from "react-dom/client";
import { useFileUrl, useUpload } from "../src/files.js";
import { MadangProvider } from "../src/index.js";

const { window } = new JSDOM("<!doctype html><div id=root></div>");
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { createRoot } = await import("react-dom/client");

interface Asked {
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  readonly answer: (body: unknown, status?: number) => Promise<void>;
}

let asked: Asked[];
let root: Root;
let shown: ReturnType<typeof useUpload>;
let picture: ReturnType<typeof useFileUrl>;
let render: (room: string, file?: string) => Promise<void>;
let addresses: Set<string>;

const file = (name: string) => new File(["four"], name);
const names = () => shown.uploads.map(({ name, state }) => `${name} ${state}`);
/** What has been asked of a path. */
const of = (path: string) => asked.filter(({ url }) => url.includes(path));

beforeEach(() => {
  asked = [];
  addresses = new Set();
  URL.createObjectURL = () => {
    const address = `blob:${asked.length}-${addresses.size}`;
    addresses.add(address);
    return address;
  };
  URL.revokeObjectURL = (address) => void addresses.delete(address);
  const fetch = (url: string, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<Response>((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
      const answer = (body: unknown, status = 200) =>
        act(async () => resolve(new Response(JSON.stringify(body), { status })));
      asked.push({ url, signal, answer });
    });
  const held = async () => ({ token: "t" });
  const http = { url: "http://server", tokens: { get: held, getInsteadOf: held }, environment: { fetch } };
  const client = { start() {}, stop() {}, rest: { http } } as unknown as Client;
  root = createRoot(window.document.createElement("div"));
  const Probe: FC<{ room: string; file: string | undefined }> = ({ room, file: id }) => {
    shown = useUpload(room);
    picture = useFileUrl(id, "small");
    return null;
  };
  render = (room, id) =>
    act(async () =>
      root.render(createElement(StrictMode, null, createElement(MadangProvider, { client }, createElement(Probe, { room, file: id })))),
    );
});

afterEach(() => act(() => root.unmount()));

test("files go up beside one another, and one that fails goes again", async () => {
  await render("r");
  await act(async () => shown.add([file("a.txt"), file("b.txt")]));
  assert.deepEqual(names(), ["a.txt uploading", "b.txt uploading"]);
  assert.deepEqual(asked.map(({ url }) => url), ["a.txt", "b.txt"].map((name) => `http://server/v1/rooms/r/files?name=${name}`));
  await of("b.txt")[0]?.answer({ file: "2" }, 201);
  await of("a.txt")[0]?.answer({ code: "too_large", detail: "too large" }, 413);
  assert.deepEqual(names(), ["a.txt failed", "b.txt done"]);
  assert.ok(shown.uploads[0]?.error instanceof MadangError);
  assert.equal(shown.uploads[0]?.error?.code, "too_large");
  assert.equal(shown.uploads[1]?.attachment?.file, "2");
  await act(async () => shown.retry(shown.uploads[0]?.id ?? ""));
  assert.deepEqual(names(), ["a.txt uploading", "b.txt done"]);
  await of("a.txt")[1]?.answer({ file: "1" }, 201);
  assert.deepEqual(names(), ["a.txt done", "b.txt done"]);
  await act(async () => shown.clear());
  assert.deepEqual(names(), []);
});

test("what is taken out, or left behind in another room, is given up", async () => {
  await render("r");
  await act(async () => shown.add([file("a.txt"), file("b.txt")]));
  await act(async () => shown.remove(shown.uploads[0]?.id ?? ""));
  assert.deepEqual(asked.map(({ signal }) => signal?.aborted), [true, false]);
  assert.deepEqual(names(), ["b.txt uploading"]);
  await render("another");
  assert.deepEqual(asked.map(({ signal }) => signal?.aborted), [true, true]);
  assert.deepEqual(names(), []);
});

test("the address of a picture is there when its bytes are, read once, and goes when many others were shown", async () => {
  await render("r", "1");
  assert.deepEqual([picture.url, of("/files/1/thumbnail/small").length], [null, 1]);
  await of("/files/1/")[0]?.answer("picture");
  const first = picture.url;
  assert.ok(first && addresses.has(first));
  await render("r", "2");
  assert.equal(picture.url, null, "never the picture before");
  await of("/files/2/")[0]?.answer({ code: "not_found" }, 404);
  assert.deepEqual([picture.url, picture.error?.code], [null, "not_found"]);
  await render("r", "1");
  assert.deepEqual([picture.url, of("/files/1/").length], [first, 1]);
  for (let other = 10; other < 60; other += 1) {
    await render("r", String(other));
    await of(`/files/${other}/`)[0]?.answer("picture");
  }
  assert.ok(addresses.size <= 41, String(addresses.size));
  assert.ok(!addresses.has(first));
});
