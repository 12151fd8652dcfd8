import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

/** Why there is nothing, and what one can do about it. */
export function Empty({
  icon: Icon,
  title,
  children,
  as: Title = "p",
}: {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  /** A heading, where it is all that a screen has. */
  as?: "p" | "h1";
}) {
  return (
    <div className="empty">
      <Icon aria-hidden="true" />
      <Title className="empty-title">{title}</Title>
      {children}
    </div>
  );
}
