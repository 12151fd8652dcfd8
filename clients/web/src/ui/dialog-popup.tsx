import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { Button } from "./button";
import { classes } from "./classes";
import type { ConfirmProps, DialogProps } from "./dialog";

/** A dialog over the page. It has the focus, keeps it, and gives it back. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  className,
  initialFocus,
}: DialogProps) {

  const texts = useTexts();
  // Whoever goes to a room from here writes there: only otherwise the focus goes back to where it was.
  const place = useRef(location.hash);
  useEffect(() => {
    if (open) place.current = location.hash;
  }, [open]);
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup
          className={classes("dialog", className)}
          finalFocus={() => location.hash === place.current}
          {...(initialFocus ? { initialFocus } : {})}
        >
          <header className="dialog-header">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close className="icon-button" aria-label={texts.close}>
              <X />
            </Base.Close>
          </header>
          {description && <Base.Description className="dialog-description">{description}</Base.Description>}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** Asks before what cannot be taken back. */
export function Confirm({
  open,
  onClose,
  title,
  text,
  action,
  onConfirm,
  danger = true,
  finalFocus,
}: ConfirmProps) {

  const texts = useTexts();
  const [busy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    const done = await onConfirm().then(() => true, () => false);
    setBusy(false);
    if (done) onClose();
  };
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog dialog-confirm" {...(finalFocus ? { finalFocus } : {})}>
          <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          <AlertDialog.Description className="dialog-description">{text}</AlertDialog.Description>
          <div className="dialog-actions">
            <AlertDialog.Close render={<Button />}>{texts.cancel}</AlertDialog.Close>
            <Button kind={danger ? "danger" : "primary"} disabled={busy} onClick={() => void confirm()}>
              {action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
