// The name of a button that is only an icon, for whoever points at it or comes to it with the keys. One for the whole page:
// a button says no more than its name, and costs nothing until then. Screen readers have the name from the button.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

/** How long somebody points at a button until its name is shown; the next one's is shown at once. */
const DELAY_MS = 500;
/** How long after one name the next one is shown at once. */
const NEXT_MS = 300;
/** Between a button and its name, and between its name and the edge of the window, in pixels. */
const GAP_PX = 6;

export function Tips() {
  const [target, setTarget] = useState<HTMLElement | null>(null);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pointed: HTMLElement | null = null;
    let hiddenMs = Number.NEGATIVE_INFINITY;
    const hide = () => {
      clearTimeout(timer);
      if (shown !== null) hiddenMs = performance.now();
      show(null);
      pointed = null;
    };
    let shown: HTMLElement | null = null;
    const show = (element: HTMLElement | null) => {
      shown = element;
      setTarget(element);
    };
    const point = (event: PointerEvent) => {
      if (event.pointerType !== "mouse") return;
      const found = tipOf(event.target);
      if (found === pointed) return;
      hide();
      pointed = found;
      if (!found) return;
      timer = setTimeout(() => show(found), performance.now() - hiddenMs < NEXT_MS ? 0 : DELAY_MS);
    };
    const focus = (event: FocusEvent) => {
      const found = tipOf(event.target);
      if (found === event.target && found?.matches(":focus-visible")) show(found);
    };
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape") hide();
    };
    const listeners = [
      ["pointerover", point],
      ["focusin", focus],
      ["focusout", hide],
      ["keydown", press],
      ["pointerdown", hide],
      ["scroll", hide],
    ] as const;
    for (const [name, listener] of listeners) document.addEventListener(name, listener as EventListener, true);
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of listeners) document.removeEventListener(name, listener as EventListener, true);
    };
  }, []);

  // Beside its button, and inside of the window.
  useLayoutEffect(() => {
    const { current } = box;
    if (!target || !current) return;
    const at = target.getBoundingClientRect();
    const { width, height } = current.getBoundingClientRect();
    const above = at.top - height - GAP_PX;
    const below = at.bottom + GAP_PX;
    const isAbove = target.dataset["tipSide"] === "top" ? above >= 0 : below + height > innerHeight;
    const left = at.left + (at.width - width) / 2;
    current.style.left = `${Math.max(GAP_PX, Math.min(left, innerWidth - width - GAP_PX))}px`;
    current.style.top = `${isAbove ? above : below}px`;
  }, [target]);

  if (!target?.isConnected) return null;
  // Above dialogs, too.
  return createPortal(
    <div ref={box} className="tooltip" aria-hidden="true">
      {target.dataset["tip"]}
    </div>,
    document.body,
  );
}

function tipOf(element: EventTarget | null): HTMLElement | null {
  return element instanceof Element ? element.closest<HTMLElement>("[data-tip]") : null;
}
