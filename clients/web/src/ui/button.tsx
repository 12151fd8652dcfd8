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

/** A button that is only an icon: its name is for screen readers, and for whoever points at it (`Tips`). */
export function IconButton({
  label,
  className,
  side = "bottom",
  ...rest
}: Omit<ComponentProps<"button">, "className"> & {
  label: string;
  children: ReactNode;
  className?: string;
  side?: "top" | "bottom";
}) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      className={classes("icon-button", className)}
      data-tip={label}
      data-tip-side={side}
    />
  );
}
