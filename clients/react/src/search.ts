// Search, apart from the other hooks: `@madang/react/search` is loaded by those who search.
import type { FoundMessage, MadangError, SearchQuery } from "@madang/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { useClient } from "./index.js";

/** Who types is not done yet: a search begins when nothing was typed for so long. */
const PAUSE_MS = 250;

interface Found {
  /** The newest first. */
  readonly items: readonly FoundMessage[];
  /** Whether something is under way. */
  readonly searching: boolean;
  /** Whether all was looked at that was sent before. */
  readonly complete: boolean;
  readonly hasMore: boolean;
  readonly error: MadangError | null;
}

const NOTHING: Found = { items: [], searching: false, complete: true, hasMore: false, error: null };

/** The messages of the user's rooms that say something. An empty `q` finds nothing, and asks nobody. */
export function useSearch(query: SearchQuery): Found & { loadMore: () => Promise<void> } {
  const client = useClient();
  const key = JSON.stringify(query);
  const [found, setFound] = useState(NOTHING);
  /** Of the search that is shown: what gives it up, and where its next page begins. */
  const current = useRef<{ abort: AbortController; cursor: string | null }>(null);

  const loadMore = useCallback(async () => {
    const search = current.current;
    if (!search) return;
    const { signal } = search.abort;
    setFound((before) => ({ ...before, searching: true, error: null }));
    try {
      const of = JSON.parse(key) as SearchQuery;
      const page = await client.rest.search(search.cursor === null ? of : { ...of, cursor: search.cursor }, { signal });
      if (signal.aborted) return;
      search.cursor = page.next_cursor;
      setFound(({ items }) => ({
        items: [...items, ...page.items],
        searching: false,
        complete: page.complete,
        hasMore: page.next_cursor !== null,
        error: null,
      }));
    } catch (error) {
      if (!signal.aborted) setFound((before) => ({ ...before, searching: false, error: error as MadangError }));
    }
  }, [client, key]);

  useEffect(() => {
    const search = { abort: new AbortController(), cursor: null };
    current.current = search;
    const isEmpty = (JSON.parse(key) as SearchQuery).q.trim() === "";
    setFound({ ...NOTHING, searching: !isEmpty });
    const timer = isEmpty ? undefined : setTimeout(() => void loadMore(), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      search.abort.abort();
      current.current = null;
    };
  }, [key, loadMore]);

  return { ...found, loadMore };
}
