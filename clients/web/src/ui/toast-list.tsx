import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import { useTexts } from "../i18n";
import { useValue } from "../state/value";
import { said } from "./toasts";

const manager = Toast.createToastManager();

export function ToastList() {
  const waiting = useValue(said);
  useEffect(() => {
    if (waiting.length === 0) return;
    said.set([]);
    for (const { text, kind } of waiting) {
      manager.add({ title: text, type: kind, timeout: kind === "error" ? 8_000 : 4_000 });
    }
  }, [waiting]);
  return (
    <Toast.Provider toastManager={manager}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const texts = useTexts();
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast" data-kind={toast.type}>
      <Toast.Title className="toast-title" />
      <Toast.Close className="icon-button" aria-label={texts.close}>
        <X />
      </Toast.Close>
    </Toast.Root>
  ));
}
