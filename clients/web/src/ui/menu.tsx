import { Menu as Base } from "@base-ui/react/menu";
import type { LucideIcon } from "lucide-react";
import { Fragment, type ReactElement, useRef } from "react";
import { classes } from "./classes";

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

/** A button with a menu, whose sections stand apart. */
export function Menu({
  trigger,
  sections,
  align = "end",
  onOpenChange,
}: {
  trigger: ReactElement;
  sections: readonly (readonly Action[])[];
  align?: "start" | "end";
  onOpenChange?: (open: boolean) => void;
}) {
  const chosen = useRef<Action | null>(null);
  const change = (open: boolean) => {
    if (open) chosen.current = null;
    onOpenChange?.(open);
  };
  return (
    <Base.Root onOpenChange={(open) => change(open)}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className="positioner" align={align} sideOffset={4}>
          <Base.Popup className="menu" finalFocus={() => chosen.current?.focus?.() ?? true}>
            {sections.map((actions, place) => (
              <Fragment key={actions[0]?.name ?? place}>
                {place > 0 && <Base.Separator className="menu-separator" />}
                {actions.map((action) => (
                  <Item key={action.name} action={action} onChoose={() => (chosen.current = action)} />
                ))}
              </Fragment>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Item({ action: { label, icon: Icon, danger, run }, onChoose }: { action: Action; onChoose: () => void }) {
  const choose = () => {
    onChoose();
    run();
  };
  return (
    <Base.Item className={classes("menu-item", danger && "menu-item-danger")} onClick={choose}>
      <Icon aria-hidden="true" />
      {label}
    </Base.Item>
  );
}
