// What stands over the page. The code of it comes after the first picture.
import type { ReactNode, RefObject } from "react";
import { part } from "./part";

export interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly initialFocus?: RefObject<HTMLElement | null>;
}

/** A dialog over the page. It has the focus, keeps it, and gives it back. */
export const Dialog = part<DialogProps>(() => import("./dialog-popup").then((module) => module.Dialog));

export interface ConfirmProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly text: string;
  readonly action: string;
  /** Closes when it is done; stays open when it has failed. */
  readonly onConfirm: () => Promise<unknown>;
  readonly danger?: boolean;
  /** Where the focus goes then, if not back. */
  readonly finalFocus?: () => HTMLElement | null;
}

/** Asks before what cannot be taken back. */
export const Confirm = part<ConfirmProps>(() => import("./dialog-popup").then((module) => module.Confirm));
