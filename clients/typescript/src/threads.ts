// What `@madang/client/threads` exports: the threads of rooms, for the pages that show them. A message is sent to a thread
// by `client.send(room, text, { thread })`.
import type { FollowedThreadPage, ThreadPage, ThreadPlace } from "./contract/index.js";
import type { CallOptions } from "./rest/http.js";
import type { ListQuery, LogQuery, Rest } from "./rest/rest.js";

const of = (room: string, thread: string, what: "messages" | "read" | "follow") =>
  `/v1/rooms/${encodeURIComponent(room)}/threads/${encodeURIComponent(thread)}/${what}`;

/** The routes of threads. A thread is named by the id of its root. */
export class Threads {
  constructor(private readonly rest: Rest) {}

  /** The threads that the user follows, the one with the latest message first. */
  list(query: ListQuery = {}, options?: CallOptions): Promise<FollowedThreadPage> {
    return this.rest.http.call("GET", "/v1/threads", { query }, options);
  }

  /** The messages of a thread, its root, and where the user stands in it. */
  messages(room: string, thread: string, query: LogQuery = {}, options?: CallOptions): Promise<ThreadPage> {
    return this.rest.http.call("GET", of(room, thread, "messages"), { query }, options);
  }

  /** Moves the read mark of who follows the thread; it never moves back. */
  markRead(room: string, thread: string, seq: number, options?: CallOptions): Promise<ThreadPlace> {
    return this.rest.http.call("PUT", of(room, thread, "read"), { body: { seq } }, options);
  }

  follow(room: string, thread: string, options?: CallOptions): Promise<ThreadPlace> {
    return this.rest.http.call("PUT", of(room, thread, "follow"), {}, options);
  }

  unfollow(room: string, thread: string, options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", of(room, thread, "follow"), {}, options);
  }
}
