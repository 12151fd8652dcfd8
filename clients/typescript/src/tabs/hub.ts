// One socket for many tabs: whose answer is whose, and which rooms are still wanted. No I/O.
import type { ClientFrame, ServerFrame } from "../contract/index.js";

/** What is to be done with a request of a tab. */
export interface Routed {
  /** To be written on the socket. */
  readonly forward: ClientFrame | null;
  /** To be answered to the tab at once. */
  readonly answer: ServerFrame | null;
}

export class Hub {
  /** The rooms of each tab. */
  readonly #rooms = new Map<string, Set<string>>();

  /** A new connection: every tab subscribes again. */
  reset(): void {
    this.#rooms.clear();
  }

  request(tab: string, frame: ClientFrame): Routed {
    const named = frame.id === undefined ? frame : { ...frame, id: `${tab}:${frame.id}` };
    if (frame.type === "subscribe") {
      const rooms = this.#rooms.get(tab) ?? new Set();
      this.#rooms.set(tab, rooms);
      for (const { room } of frame.rooms ?? []) rooms.add(room);
    }
    if (frame.type !== "unsubscribe") return { forward: named, answer: null };
    for (const room of frame.rooms) this.#rooms.get(tab)?.delete(room);
    const rooms = frame.rooms.filter((room) => !this.#isWanted(room));
    if (rooms.length > 0) return { forward: { ...frame, ...named, rooms } as ClientFrame, answer: null };
    return { forward: null, answer: frame.id === undefined ? null : { type: "ok", re: frame.id } };
  }

  /** For which tab a frame is; null for all of them. */
  route(frame: ServerFrame): { readonly to: string | null; readonly frame: ServerFrame } {
    const re = ("re" in frame && frame.re) || "";
    const colon = re.lastIndexOf(":");
    if (colon < 0) return { to: null, frame };
    return { to: re.slice(0, colon), frame: { ...frame, re: re.slice(colon + 1) } as ServerFrame };
  }

  /** The tab is gone; what nobody else wants is to be left, in frames of so many rooms: a server reads no more of one. */
  gone(tab: string, atOnce: number): ClientFrame[] {
    const rooms = [...(this.#rooms.get(tab) ?? [])];
    this.#rooms.delete(tab);
    const unwanted = rooms.filter((room) => !this.#isWanted(room));
    const frames: ClientFrame[] = [];
    while (unwanted[0]) frames.push({ type: "unsubscribe", rooms: unwanted.splice(0, atOnce) });
    return frames;
  }

  #isWanted(room: string): boolean {
    for (const rooms of this.#rooms.values()) if (rooms.has(room)) return true;
    return false;
  }
}
