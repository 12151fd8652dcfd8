// A button with a menu. The button is there at once; the code of the menu comes after the first picture.
import type { LucideIcon } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, type ReactElement, type Ref, cloneElement, useId, useRef, useState } from "react";
import { part } from "./part";

/** What can be done, as data: a menu shows it, and a toolbar may. */
export interface Action {
  readonly name: string;
  readonly label: string;
  readonly icon: LucideIcon;
  readonly danger?: boolean;
  readonly run: () => void;
  /** Where the focus goes then; without it, back to the button of the menu. False: what is opened takes it. */
  readonly focus?: () => HTMLElement | null | false;
}

export interface MenuPopupProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly sections: readonly (readonly Action[])[];
  readonly align: "start" | "end";
  readonly trigger: { readonly current: HTMLElement | null };
  /** Whether a key has opened it: then the first action has the focus. */
  readonly isByKey: boolean;
}

const MenuPopup = part<MenuPopupProps>(() => import("./menu-popup").then((module) => module.MenuPopup));

/** A button with a menu, whose sections stand apart. */
export function Menu({
  trigger,
  sections,
  align = "end",
  onOpenChange,
}: {
  trigger: ReactElement<{ ref?: Ref<HTMLElement> }>;
  sections: readonly (readonly Action[])[];
  align?: "start" | "end";
  onOpenChange?: (open: boolean) => void;
}) {
  const id = useId();
  const button = useRef<HTMLElement | null>(null);
  const [opened, setOpened] = useState<"never" | "closed" | "pointer" | "key">("never");
  const isOpen = opened === "pointer" || opened === "key";
  const open = (by: "pointer" | "key") => {
    setOpened(by);
    onOpenChange?.(true);
  };
  const { ref } = trigger.props;
  return (
    <>
      {cloneElement(trigger as ReactElement<Record<string, unknown>>, {
        id,
        ref: (element: HTMLElement | null) => {
          button.current = element;
          if (typeof ref === "function") ref(element);
          else if (ref) ref.current = element;
        },
        "aria-haspopup": "menu",
        "aria-expanded": isOpen,
        "data-popup-open": isOpen ? "" : undefined,
        // A key presses without a pointer: its click has no count.
        onClick: (event: MouseEvent) => open(event.detail === 0 ? "key" : "pointer"),
        onKeyDown: (event: KeyboardEvent) => {
          if (event.key !== "ArrowDown" || event.altKey) return;
          event.preventDefault();
          event.stopPropagation();
          open("key");
        },
      })}
      {opened !== "never" && (
        <MenuPopup
          open={isOpen}
          onClose={() => {
            setOpened("closed");
            onOpenChange?.(false);
          }}
          sections={sections}
          align={align}
          trigger={button}
          isByKey={opened === "key"}
        />
      )}
    </>
  );
}
