// What `@madang/client/receipts` exports: how far members have read, of what to be notified, and what a client needs to
// start, for the pages that need them.
import type { Mark, Reads, RoomSettings, RoomSettingsChanges, Sync } from "./contract/index.js";
import type { CallOptions } from "./rest/http.js";
import type { ListQuery, Rest } from "./rest/rest.js";

/** Each method answers what the server answers, or throws a `MadangError`. */
export class Receipts {
  constructor(private readonly rest: Rest) {}

  /** How far the members of a room have read it, as far as the room shows it. */
  reads(room: string, options?: CallOptions): Promise<Reads> {
    return this.rest.http.call("GET", `/v1/rooms/${encodeURIComponent(room)}/reads`, {}, options);
  }

  /** Of what in a room to be notified. What is absent stays; `muted_until: null` ends a mute. */
  putRoomSettings(room: string, body: RoomSettingsChanges, options?: CallOptions): Promise<RoomSettings> {
    return this.rest.http.call("PUT", `/v1/rooms/${encodeURIComponent(room)}/settings/me`, { body }, options);
  }

  /** Dismisses a notice; the user's other devices hear of it. */
  dismissNotice(seq: number, options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", `/v1/inbox/${seq}`, {}, options);
  }

  /** A page of what a client needs to start. A subscription from a `cursor` of it has all that came after, once. */
  sync(query: ListQuery = {}, options?: CallOptions): Promise<Sync> {
    return this.rest.http.call("GET", "/v1/sync", { query }, options);
  }
}

/** What is known of a room's marks. */
export interface Marks {
  readonly members: number;
  readonly from: number;
  readonly marks: readonly Mark[];
}

/** How many members have not read the message at a place; null where the marks do not say. Its sender has read it. */
export function notRead({ members, from, marks }: Marks, seq: number): number | null {
  if (seq <= from) return null;
  let count = 0;
  for (const mark of marks) if (mark.seq < seq) count += mark.members;
  return Math.min(count, Math.max(members - 1, 0));
}
