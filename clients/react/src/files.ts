// Files, apart from the other hooks: `@madang/react/files` is loaded by those who show or send them.
import type { Attachment, Client, MadangError } from "@madang/client";
import { Files } from "@madang/client/files";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useClient } from "./index.js";

/** A file on its way to a room, or there already. */
export interface Uploading {
  /** Of this page alone. */
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** How much has left, from 0 to 1. */
  readonly progress: number;
  readonly state: "uploading" | "done" | "failed";
  /** What a message says of it, once it is there. */
  readonly attachment?: Attachment;
  /** Why it failed the last time. */
  readonly error?: MadangError;
}

/** Pictures whose bytes are kept after nobody shows them, so that scrolling back shows them at once. */
const KEPT_PICTURES = 40;

/** The addresses of the bytes that a client has read, those that were used last at the end. */
class Addresses {
  readonly #entries = new Map<string, { url: Promise<string>; users: number }>();

  constructor(private readonly files: Files) {}

  /** The address of a file, or of a thumbnail of it. Whoever takes it gives it back. */
  take(key: string, file: string, size: "small" | "large" | undefined): Promise<string> {
    const entry = this.#entries.get(key) ?? { url: this.#read(key, file, size), users: 0 };
    entry.users += 1;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.url;
  }

  giveBack(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) entry.users -= 1;
    for (const [other, { url, users }] of this.#entries) {
      if (this.#entries.size <= KEPT_PICTURES) return;
      if (users > 0) continue;
      this.#entries.delete(other);
      void url.then((address) => URL.revokeObjectURL(address));
    }
  }

  async #read(key: string, file: string, size: "small" | "large" | undefined): Promise<string> {
    try {
      return URL.createObjectURL(await (size ? this.files.thumbnail(file, size) : this.files.get(file)));
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }
}

const ofClients = new WeakMap<Client, { files: Files; addresses: Addresses }>();

function useFiles(): { files: Files; addresses: Addresses } {
  const client = useClient();
  const known = ofClients.get(client);
  if (known) return known;
  const files = new Files(client.rest);
  const made = { files, addresses: new Addresses(files) };
  ofClients.set(client, made);
  return made;
}

/** The address of a file's bytes for this page, or of those of a thumbnail; null until they are there. */
export function useFileUrl(
  file: string | undefined,
  size?: "small" | "large",
): { url: string | null; error: MadangError | null } {
  const { addresses } = useFiles();
  const [state, setState] = useState<{ url: string | null; error: MadangError | null }>({ url: null, error: null });
  useEffect(() => {
    if (file === undefined) return;
    const key = `${file} ${size ?? ""}`;
    let isShown = true;
    addresses.take(key, file, size).then(
      (url) => isShown && setState({ url, error: null }),
      (error: MadangError) => isShown && setState({ url: null, error }),
    );
    return () => {
      isShown = false;
      setState({ url: null, error: null });
      addresses.giveBack(key);
    };
  }, [addresses, file, size]);
  return state;
}

/** The files that a user puts into a message of a room before it is sent. */
export function useUpload(room: string): {
  uploads: readonly Uploading[];
  /** Begins to upload. */
  add: (files: Iterable<File>) => void;
  /** Gives an upload up, or takes a file out. */
  remove: (id: string) => void;
  /** Uploads a failed file again. */
  retry: (id: string) => void;
  /** Forgets all: a message has them now. */
  clear: () => void;
} {
  const { files } = useFiles();
  const [uploads, setUploads] = useState<readonly Uploading[]>([]);
  const going = useRef(new Map<string, { file: File; abort: AbortController }>());
  const count = useRef(0);

  const change = useCallback((id: string, change: Partial<Uploading>) => {
    setUploads((before) => before.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));
  }, []);

  const start = useCallback(
    async (id: string, file: File) => {
      const abort = new AbortController();
      going.current.set(id, { file, abort });
      const onProgress = (sent: number, total: number) => change(id, { progress: total > 0 ? sent / total : 0 });
      try {
        const attachment = await files.upload(room, file, { signal: abort.signal, onProgress });
        change(id, { state: "done", progress: 1, attachment });
      } catch (error) {
        if (!abort.signal.aborted) change(id, { state: "failed", error: error as MadangError });
      }
    },
    [files, room, change],
  );

  const forget = useCallback(() => {
    for (const { abort } of going.current.values()) abort.abort();
    going.current.clear();
    setUploads([]);
  }, []);
  // What is not sent stays in no other room.
  useEffect(() => forget, [room, forget]);

  return {
    uploads,
    ...useMemo(
      () => ({
        add: (added: Iterable<File>) => {
          for (const file of added) {
            count.current += 1;
            const id = String(count.current);
            const upload: Uploading = { id, name: file.name, sizeBytes: file.size, progress: 0, state: "uploading" };
            setUploads((before) => [...before, upload]);
            void start(id, file);
          }
        },
        remove: (id: string) => {
          going.current.get(id)?.abort.abort();
          going.current.delete(id);
          setUploads((before) => before.filter((upload) => upload.id !== id));
        },
        retry: (id: string) => {
          const failed = going.current.get(id);
          if (!failed) return;
          change(id, { state: "uploading", progress: 0 });
          void start(id, failed.file);
        },
        clear: forget,
      }),
      [start, change, forget],
    ),
  };
}
