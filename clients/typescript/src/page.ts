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
  window.addEventListener("online", online);
  window.addEventListener("offline", offline);
  window.addEventListener("pagehide", hide);
  window.addEventListener("pageshow", show);
  document.addEventListener("visibilitychange", visibility);
  return () => {
    window.removeEventListener("online", online);
    window.removeEventListener("offline", offline);
    window.removeEventListener("pagehide", hide);
    window.removeEventListener("pageshow", show);
    document.removeEventListener("visibilitychange", visibility);
  };
}
