import { useClient } from "@madang/react";
import { Rooms } from "@madang/client/rooms";
import { type FormEvent, useState } from "react";
import { useTexts } from "../i18n";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choices, Field } from "../ui/field";
import { useAct } from "../ui/toasts";

/** What to impose, and on whom. */
export interface Imposing {
  readonly what: "ban" | "mute";
  readonly room: string;
  readonly user: string;
  readonly name: string;
}

const HOUR_MS = 3_600_000;
const LENGTHS_MS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, ever: null } as const;
type Length = keyof typeof LENGTHS_MS;

/** Asks why and for how long a user is banned or muted. */
export default function RestrictDialog({ imposing, onClose }: { imposing: Imposing | null; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const [length, setLength] = useState<Length>("day");
  const [busy, setBusy] = useState(false);
  if (!imposing) return null;
  const { what, room, user, name } = imposing;
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason") ?? "").trim();
    const lengthMs = LENGTHS_MS[length];
    const body = {
      ...(reason === "" ? {} : { reason }),
      ...(lengthMs === null ? {} : { until: new Date(Date.now() + lengthMs).toISOString() }),
    };
    setBusy(true);
    const done = await act(() => new Rooms(client.rest)[what](room, user, body)).then(() => true, () => false);
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={what === "ban" ? texts.banTitle(name) : texts.muteTitle(name)}
      description={what === "ban" ? texts.banText : texts.muteText}
    >
      <form className="dialog-body" onSubmit={(event) => void submit(event)}>
        <Choices
          label={texts.lasts}
          value={length}
          onChange={setLength}
          choices={[
            { value: "hour", label: texts.anHour },
            { value: "day", label: texts.aDay },
            { value: "week", label: texts.aWeek },
            { value: "ever", label: texts.withoutEnd },
          ]}
        />
        <Field label={texts.reason} name="reason" maxLength={500} hint={texts.reasonHint} />
        <div className="dialog-actions">
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button type="submit" kind="danger" disabled={busy}>
            {what === "ban" ? texts.ban : texts.mute}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
