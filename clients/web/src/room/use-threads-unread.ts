// What is unread in the threads of a room that the user follows.
import { useClient, useNotices } from "@madang/react";
import { Threads } from "@madang/client/threads";
import { useEffect, useMemo, useState } from "react";

/** Threads of a page: those with the latest messages. */
const PAGE = 100;

/** By root, without the thread that is open: it is being read. Loaded anew when a reply was told or a thread was closed. */
export function useThreadsUnread(room: string, open: string | null): ReadonlyMap<string, number> {
  const client = useClient();
  const { notices } = useNotices();
  const [unread, setUnread] = useState<ReadonlyMap<string, number>>(new Map());
  const told = notices.find(({ kind }) => kind === "reply" || kind === "mention")?.seq ?? 0;
  // What another device has read is read here, too.
  useEffect(
    () =>
      client.on("passing", (frame) => {
        if (frame.type !== "thread_read" || frame.room !== room) return;
        setUnread((before) => new Map(before).set(frame.thread, frame.unread));
      }),
    [client, room],
  );
  useEffect(() => {
    const abort = new AbortController();
    new Threads(client.rest).list({ limit: PAGE }, { signal: abort.signal }).then(
      ({ items }) => setUnread(new Map(items.filter(({ root }) => root.room === room).map((item) => [item.root.id, item.unread]))),
      () => {},
    );
    return () => abort.abort();
  }, [client, room, told, open]);
  return useMemo(() => new Map([...unread].filter(([root]) => root !== open)), [unread, open]);
}
