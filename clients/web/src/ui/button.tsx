import { Tooltip } from "@base-ui/react/tooltip";
import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes";

type Kind = "primary" | "plain" | "quiet" | "danger";

export function Button({
  kind = "plain",
  className,
  ...rest
}: Omit<ComponentProps<"button">, "className"> & { kind?: Kind; className?: string }) {
  return <button type="button" {...rest} className={classes("button", `button-${kind}`, className)} />;
}

/** A button that is only an icon: its name is for screen readers, and for whoever points at it. */
export function IconButton({
  label,
  children,
  className,
  side = "bottom",
  ...rest
}: Omit<ComponentProps<"button">, "className"> & {
  label: string;
  children: ReactNode;
  className?: string;
  side?: "top" | "bottom" | "left" | "right";
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger
        render={<button type="button" {...rest} aria-label={label} className={classes("icon-button", className)} />}
      >
        {children}
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Positioner side={side} sideOffset={6}>
          <Tooltip.Popup className="tooltip">{label}</Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
