// A site with pages of its own, on another port than the server: for a browser that is another origin.
import { type IncomingMessage, createServer } from "node:http";
import { readFile, stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

export interface SiteOptions {
  /** The folder of the files. */
  readonly folder?: string;
  /** Headers of each answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the site's backend answers to a `POST`; null is a 401. */
  readonly posts?: Readonly<Record<string, (request: IncomingMessage) => Promise<string | null> | string | null>>;
}

export interface Site {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Serves a folder, and a page without anything where there is none. */
export async function startSite({ folder, headers = {}, posts = {} }: SiteOptions = {}): Promise<Site> {
  const file = async (path: string) => {
    if (folder === undefined) return { type: TYPES[".html"], body: "<!doctype html><title>A page</title>" };
    const name = join(folder, normalize(path === "/" ? "/index.html" : path));
    const isFile = await stat(name).then((found) => found.isFile(), () => false);
    return isFile ? { type: TYPES[extname(name)] ?? "application/octet-stream", body: await readFile(name) } : null;
  };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    const post = request.method === "POST" ? posts[path] : undefined;
    if (post) {
      try {
        const answer = await post(request);
        return response.writeHead(answer === null ? 401 : 200, headers).end(answer ?? "");
      } catch (error) {
        return response.writeHead(502, headers).end(String(error));
      }
    }
    const found = await file(path);
    response.writeHead(found ? 200 : 404, { ...headers, "content-type": found?.type ?? "text/plain" }).end(found?.body ?? "");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
