import { useCallback, useEffect, useRef, useState } from "react";

/** Items of a page; there is a button for the next one. */
const PAGE = 50;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

export interface Pages<Item> {
  /** What is loaded; null before the first page. */
  readonly items: readonly Item[] | null;
  readonly error: unknown;
  /** Loads the next page; null where there is none. */
  readonly loadMore: (() => void) | null;
  readonly change: (change: (items: readonly Item[]) => readonly Item[]) => void;
}

/** A list of pages, loaded anew when `of` names another one. */
export function usePages<Item>(of: string, load: (query: { limit: number; cursor?: string }) => Promise<Page<Item>>): Pages<Item> {
  const [items, setItems] = useState<readonly Item[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const now = useRef(load);
  now.current = load;
  /** The list that is shown: what comes of another one is late. */
  const shown = useRef<object>({});
  const get = useCallback(async (from: string | null) => {
    const list = shown.current;
    try {
      const page = await now.current({ limit: PAGE, ...(from === null ? {} : { cursor: from }) });
      if (shown.current !== list) return;
      setItems((before) => [...(from === null ? [] : (before ?? [])), ...page.items]);
      setCursor(page.next_cursor);
      setError(null);
    } catch (thrown) {
      if (shown.current === list) setError(thrown);
    }
  }, []);
  useEffect(() => {
    shown.current = {};
    setItems(null);
    setCursor(null);
    setError(null);
    void get(null);
    return () => void (shown.current = {});
  }, [of, get]);
  const change = useCallback(
    (by: (items: readonly Item[]) => readonly Item[]) => setItems((before) => before && by(before)),
    [],
  );
  return { items, error, loadMore: cursor === null ? null : () => void get(cursor), change };
}
