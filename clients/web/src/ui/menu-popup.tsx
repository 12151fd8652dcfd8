import { Menu as Base } from "@base-ui/react/menu";
import { Fragment, type Ref, useLayoutEffect, useRef } from "react";
import { classes } from "./classes";
import type { Action, MenuPopupProps } from "./menu";

/** The menu of a button that knows nothing of menus. */
export function MenuPopup({ open, onClose, sections, align, trigger, isByKey }: MenuPopupProps) {
  const chosen = useRef<Action | null>(null);
  const first = useRef<HTMLDivElement>(null);
  const isFirstDue = useRef(isByKey);
  useLayoutEffect(() => {
    isFirstDue.current = open && isByKey;
  }, [open, isByKey]);
  return (
    <Base.Root
      open={open}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
    >
      <Base.Portal>
        <Base.Positioner className="positioner" anchor={trigger} align={align} sideOffset={4}>
          <Base.Popup
            className="menu"
            aria-labelledby={trigger.current?.id}
            onFocus={(event) => {
              // The menu itself has the focus first.
              if (event.target !== event.currentTarget || !isFirstDue.current) return;
              isFirstDue.current = false;
              first.current?.focus();
            }}
            finalFocus={() => {
              const focus = chosen.current?.focus?.() ?? trigger.current;
              chosen.current = null;
              return focus;
            }}
          >
            {sections.map((actions, place) => (
              <Fragment key={actions[0]?.name ?? place}>
                {place > 0 && <Base.Separator className="menu-separator" />}
                {actions.map((action, index) => (
                  <Item
                    key={action.name}
                    ref={place === 0 && index === 0 ? first : undefined}
                    action={action}
                    onChoose={() => (chosen.current = action)}
                  />
                ))}
              </Fragment>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Item({
  ref,
  action: { label, icon: Icon, danger, run },
  onChoose,
}: {
  ref: Ref<HTMLDivElement> | undefined;
  action: Action;
  onChoose: () => void;
}) {
  const choose = () => {
    onChoose();
    run();
  };
  return (
    <Base.Item ref={ref} className={classes("menu-item", danger && "menu-item-danger")} onClick={choose}>
      <Icon aria-hidden="true" />
      {label}
    </Base.Item>
  );
}
