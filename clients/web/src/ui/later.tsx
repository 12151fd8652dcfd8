import { type ComponentType, Suspense, useState } from "react";

interface DialogProps {
  open: boolean;
  onClose: () => void;
}

/** A dialog whose code is loaded when it is opened for the first time. */
export function Later({ open, onClose, dialog: Dialog }: DialogProps & { dialog: ComponentType<DialogProps> }) {
  const [wasOpen, setWasOpen] = useState(open);
  if (open && !wasOpen) setWasOpen(true);
  if (!wasOpen) return null;
  return (
    <Suspense fallback={null}>
      <Dialog open={open} onClose={onClose} />
    </Suspense>
  );
}
