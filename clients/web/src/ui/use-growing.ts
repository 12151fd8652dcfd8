import { type RefObject, useLayoutEffect } from "react";

/** Keeps a field as high as its text, within the bounds of the style sheet, also where its width changes. */
export function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    if (field.current) grow(field.current);
  }, [field, text]);
  useLayoutEffect(() => {
    const { current } = field;
    if (!current) return;
    // A narrower text has more lines. Its own new height is not looked at again.
    let width = current.clientWidth;
    const observer = new ResizeObserver(() => {
      if (current.clientWidth === width) return;
      width = current.clientWidth;
      grow(current);
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [field]);
}

function grow(field: HTMLTextAreaElement): void {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
