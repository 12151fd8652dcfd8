import { Rooms } from "@madang/client/rooms";
import { useClient } from "@madang/react";
import { type FormEvent, useState } from "react";
import { useTexts } from "../i18n";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { useAct } from "../ui/toasts";

/** What is reported. */
export interface Reporting {
  readonly room: string;
  readonly message: string;
  readonly name: string;
}

export interface ReportDialogProps {
  readonly reporting: Reporting;
  readonly onClose: () => void;
}

/** Asks why a message is reported to the moderators. */
export function ReportDialog({ reporting, onClose }: ReportDialogProps) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const { room, message, name } = reporting;
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason") ?? "").trim();
    setBusy(true);
    const report = () => new Rooms(client.rest).reportMessage(room, message, reason === "" ? {} : { reason });
    const done = await act(report, texts.reported).then(() => true, () => false);
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Dialog open onClose={onClose} title={texts.reportTitle(name)} description={texts.reportText}>
      <form className="dialog-body" onSubmit={(event) => void submit(event)}>
        <Field label={texts.reason} name="reason" maxLength={500} hint={texts.reportReasonHint} />
        <div className="dialog-actions">
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button type="submit" kind="danger" disabled={busy}>
            {texts.report}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
