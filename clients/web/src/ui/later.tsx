import { useState } from "react";
import type { Part } from "./part";

interface DialogProps {
  open: boolean;
  onClose: () => void;
}

/** A dialog whose code is loaded when it is opened for the first time. */
export function Later({ open, onClose, dialog: Dialog }: DialogProps & { dialog: Part<DialogProps> }) {
  const [wasOpen, setWasOpen] = useState(open);
  if (open && !wasOpen) setWasOpen(true);
  return wasOpen ? <Dialog open={open} onClose={onClose} /> : null;
}
