/** Not more often than this: what fails for another reason must not reload for ever. */
const AGAIN_MS = 60_000;
const KEY = "madang:reloaded";

/** A part of this version that is not loaded yet is gone from a server with a newer one: the page begins anew. */
export function reloadForNewVersion(): void {
  window.addEventListener("vite:preloadError", () => {
    try {
      if (!navigator.onLine || Date.now() - Number(sessionStorage.getItem(KEY) ?? 0) < AGAIN_MS) return;
      sessionStorage.setItem(KEY, String(Date.now()));
      location.reload();
    } catch {
      // Without storage nobody knows how often it was: the user reloads.
    }
  });
}
