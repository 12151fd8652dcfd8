import { useTexts } from "../i18n";
import { Dialog } from "../ui/dialog";
import { useAct } from "../ui/toasts";
import { useOpenDirect } from "./open-direct";
import { PeoplePicker } from "./people-picker";

const NOBODY: ReadonlySet<string> = new Set();

export function NewDirect({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  const act = useAct();
  const openDirect = useOpenDirect();
  return (
    <Dialog open={open} onClose={onClose} title={texts.newDirect}>
      <div className="dialog-body">
        <PeoplePicker
          picked={NOBODY}
          isFirst
          onPick={(person) => void act(() => openDirect(person)).then(onClose, () => {})}
        />
      </div>
    </Dialog>
  );
}
