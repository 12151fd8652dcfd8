import { MadangError, type Room } from "@madang/client";
import { useClient } from "@madang/react";
import { type FormEvent, useState } from "react";
import { useTexts } from "../i18n";
import { errorText, useFieldError } from "../state/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choices, Field } from "../ui/field";
import { Select } from "../ui/select";
import { say } from "../ui/toasts";
import { PAUSES_S, pauseText } from "./pause";

/** Name, short name and flags. Moderators set the pause, and owners everything. */
export function RoomSettings({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open onClose={onClose} title={texts.roomSettings}>
      <Form room={room} onClose={onClose} />
    </Dialog>
  );
}

type Senders = "all" | "moderators" | "nobody";

function sendersOf({ archived, announcement }: Room): Senders {
  if (archived) return "nobody";
  return announcement ? "moderators" : "all";
}

function Form({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const fieldError = useFieldError();
  const isOwner = room.role === "owner";
  const isDirect = room.kind === "direct";
  const [senders, setSenders] = useState(sendersOf(room));
  const [pause, setPause] = useState(`${room.slow_mode_s}`);
  const [history, setHistory] = useState(room.history);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = String(data.get("name") ?? "");
    const slug = String(data.get("slug") ?? "").trim() || null;
    // Only what is another: what somebody else changes meanwhile stays.
    const changes = {
      ...(isOwner && name !== room.name ? { name } : {}),
      ...(isOwner && slug !== room.slug ? { slug } : {}),
      ...(isOwner && senders !== sendersOf(room) ? { announcement: senders === "moderators", archived: senders === "nobody" } : {}),
      ...(isOwner && history !== room.history ? { history } : {}),
      ...(Number(pause) === room.slow_mode_s ? {} : { slow_mode_s: Number(pause) }),
    };
    setBusy(true);
    try {
      if (Object.keys(changes).length > 0) await client.rest.updateRoom(room.id, changes);
      say(texts.saved);
      onClose();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };

  const isTaken = error instanceof MadangError && error.code === "already_exists";
  const nameError = fieldError(error, "name");
  const slugError = fieldError(error, "slug") ?? (isTaken ? texts.slugTaken : undefined);
  const pauses = [...new Set([...PAUSES_S, room.slow_mode_s])].sort((one, other) => one - other);
  return (
    <form className="dialog-form" onSubmit={(event) => void submit(event)}>
      <div className="dialog-body">
        {isOwner && (
          <>
            <Field label={texts.roomName} name="name" required maxLength={100} defaultValue={room.name} error={nameError} />
            <Field
              label={texts.slug}
              name="slug"
              maxLength={64}
              defaultValue={room.slug ?? ""}
              hint={texts.slugHint}
              error={slugError}
              autoCapitalize="none"
              spellCheck={false}
            />
          </>
        )}
        {isOwner && !isDirect && (
          <>
            <Choices
              label={texts.whoSends}
              value={senders}
              onChange={setSenders}
              choices={[
                { value: "all", label: texts.sendAll },
                { value: "moderators", label: texts.sendModerators, hint: texts.sendModeratorsHint },
                { value: "nobody", label: texts.sendNobody, hint: texts.sendNobodyHint },
              ]}
            />
            <Choices
              label={texts.newcomers}
              value={history}
              onChange={setHistory}
              choices={[
                { value: "all", label: texts.historyAll },
                { value: "joined", label: texts.historyJoined },
              ]}
            />
          </>
        )}
        {!isDirect && (
          <Select
            label={texts.slowMode}
            hint={texts.slowModeHint}
            value={pause}
            onChange={setPause}
            choices={pauses.map((seconds) => ({ value: `${seconds}`, label: pauseText(texts, seconds) }))}
          />
        )}
        {error !== null && nameError === undefined && slugError === undefined && (
          <p className="form-error" role="alert">
            {errorText(texts, error)}
          </p>
        )}
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>{texts.cancel}</Button>
        <Button type="submit" kind="primary" disabled={busy}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}
