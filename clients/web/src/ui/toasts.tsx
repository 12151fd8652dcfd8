import { Toast } from "@base-ui/react/toast";
import type { MadangError } from "@madang/client";
import { X } from "lucide-react";
import { useCallback } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";

const manager = Toast.createToastManager();

/** Says something in passing. Screen readers hear it. */
export function say(text: string, kind: "note" | "error" = "note"): void {
  manager.add({ title: text, type: kind, timeout: kind === "error" ? 8_000 : 4_000 });
}

/** What a refusal means where it means more than elsewhere. */
export type Words = Partial<Record<MadangError["code"], string>>;

/** Runs what the user asked for, and says why if it fails. The promise rejects then, for whoever waits for it. */
export function useAct(): <Result>(act: () => Promise<Result>, done?: string, words?: Words) => Promise<Result> {
  const texts = useTexts();
  return useCallback(
    <Result,>(act: () => Promise<Result>, done?: string, words?: Words) => {
      const result = act();
      result.then(
        () => done !== undefined && say(done),
        (error: unknown) => say(errorText(texts, error, words), "error"),
      );
      return result;
    },
    [texts],
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

export function Toasts() {
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
