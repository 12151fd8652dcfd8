// What happens to the page and to the device.
import type { Link } from "./connection/link.js";

/** The part of `window` and `document` that is used. */
export interface Page {
  readonly window: Pick<EventTarget, "addEventListener" | "removeEventListener">;
  readonly document: Pick<EventTarget, "addEventListener" | "removeEventListener"> & {
    readonly visibilityState: string;
  };
}

/** The page of this script; undefined in Node and in workers. */
export function currentPage(): Page | undefined {
  return typeof window === "undefined" || typeof document === "undefined" ? undefined : { window, document };
}

/** Tells a link, until the returned function is called. */
export function watchPage({ window, document }: Page, link: Link): () => void {
  const online = () => link.wake("online");
  const offline = () => link.wake("offline");
  const visibility = () => {
    if (document.visibilityState === "visible") link.wake("visible");
  };
  // A page that the browser keeps for "back" must hold neither the socket nor the lead.
  const hide = () => link.stop();
  const show = (event: Event) => {
    if ((event as PageTransitionEvent).persisted) link.start();
  };
  const each = (change: "addEventListener" | "removeEventListener") => {
    window[change]("online", online);
    window[change]("offline", offline);
    window[change]("pagehide", hide);
    window[change]("pageshow", show);
    document[change]("visibilitychange", visibility);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
