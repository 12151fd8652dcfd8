// What `@madang/client/files` exports: files of rooms, for the pages that show them.
import type { Attachment, ThumbnailSize } from "./contract/index.js";
import { MadangError } from "./errors.js";
import { type CallOptions, refusal } from "./rest/http.js";
import type { Rest } from "./rest/rest.js";

/** What an upload may have. */
export interface UploadOptions extends CallOptions {
  /** The name of the file; by default that of a `File`. */
  readonly name?: string;
  /** Hears how many bytes have left, where the platform says it. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

/** One request with a token, and once more with another if the first one was refused. */
type Request = (token: string) => Promise<Response>;

/** The routes of files. Each method answers what the server answers, or throws a `MadangError`. */
export class Files {
  constructor(private readonly rest: Rest) {}

  /** Uploads a file to a room. Then send a message with `attachments: [{ file }]`. */
  async upload(room: string, file: Blob, { name, signal, onProgress }: UploadOptions = {}): Promise<Attachment> {
    const called = name ?? (file as File).name ?? "file";
    const address = `${this.rest.http.url}/v1/rooms/${encodeURIComponent(room)}/files?name=${encodeURIComponent(called)}`;
    const { fetch } = this.rest.http.environment;
    const Upload = onProgress && globalThis.XMLHttpRequest;
    const response = await this.#call(signal, (token) =>
      Upload
        ? uploadWithProgress(new Upload(), address, token, file, onProgress, signal)
        : fetch(address, { method: "POST", headers: authorized(token), body: file, ...withSignal(signal) }),
    );
    return (await response.json()) as Attachment;
  }

  /** The bytes of a file, with its media type. For an `<img>`, give them to `URL.createObjectURL`. */
  async get(file: string, options?: CallOptions): Promise<Blob> {
    return this.#read(`/v1/files/${encodeURIComponent(file)}`, options);
  }

  /** A smaller picture of a file that is a picture. */
  async thumbnail(file: string, size: ThumbnailSize, options?: CallOptions): Promise<Blob> {
    return this.#read(`/v1/files/${encodeURIComponent(file)}/thumbnail/${size}`, options);
  }

  async #read(path: string, { signal }: CallOptions = {}): Promise<Blob> {
    const { url, environment } = this.rest.http;
    const response = await this.#call(signal, (token) =>
      environment.fetch(`${url}${path}`, { method: "GET", headers: authorized(token), ...withSignal(signal) }),
    );
    return response.blob();
  }

  async #call(signal: AbortSignal | undefined, request: Request): Promise<Response> {
    const { tokens } = this.rest.http;
    const held = await tokens.get();
    if (!held) throw new MadangError("unauthenticated", "nobody is signed in");
    const once = async (token: string) => {
      signal?.throwIfAborted();
      let response: Response;
      try {
        response = await request(token);
      } catch (thrown) {
        if (signal?.aborted) throw signal.reason;
        throw new MadangError("unavailable", "the server cannot be reached", { cause: thrown });
      }
      if (!response.ok) throw refusal(response, await response.text());
      return response;
    };
    try {
      return await once(held.token);
    } catch (error) {
      if (!(error instanceof MadangError) || error.code !== "unauthenticated") throw error;
      const other = await tokens.getInsteadOf(held.token);
      if (!other || other.token === held.token) throw error;
      return once(other.token);
    }
  }
}

const authorized = (token: string) => ({ Authorization: `Bearer ${token}` });
const withSignal = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

/** `fetch` says nothing of what has left. */
function uploadWithProgress(
  request: XMLHttpRequest,
  address: string,
  token: string,
  file: Blob,
  onProgress: NonNullable<UploadOptions["onProgress"]>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const abort = () => request.abort();
    const end = (settle: () => void) => () => {
      signal?.removeEventListener("abort", abort);
      settle();
    };
    signal?.addEventListener("abort", abort);
    request.open("POST", address);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onload = end(() => {
      const after = request.getResponseHeader("Retry-After");
      const headers = after === null ? {} : { "Retry-After": after };
      resolve(new Response(request.responseText, { status: request.status, headers }));
    });
    request.onerror = end(() => reject(new TypeError("the request failed")));
    request.onabort = end(() => reject(signal?.reason ?? new TypeError("the request was given up")));
    request.send(file);
  });
}
