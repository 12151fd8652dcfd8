// What is unread in the threads of a room that the user follows.
import { useClient, useNotices } from "@madang/react";
import { Threads } from "@madang/client/threads";
import { useEffect, useState } from "react";

/** Threads of a page: those with the latest messages. */
const PAGE = 100;

/** By root. It is loaded anew when a reply was told, and when `version` is another one. */
export function useThreadsUnread(room: string, version: unknown): ReadonlyMap<string, number> {
  const client = useClient();
  const { notices } = useNotices();
  const [unread, setUnread] = useState<ReadonlyMap<string, number>>(new Map());
  const told = notices.find(({ kind }) => kind === "reply" || kind === "mention")?.seq ?? 0;
  useEffect(() => {
    const abort = new AbortController();
    new Threads(client.rest).list({ limit: PAGE }, { signal: abort.signal }).then(
      ({ items }) => setUnread(new Map(items.filter(({ root }) => root.room === room).map((item) => [item.root.id, item.unread]))),
      () => {},
    );
    return () => abort.abort();
  }, [client, room, told, version]);
  return unread;
}
