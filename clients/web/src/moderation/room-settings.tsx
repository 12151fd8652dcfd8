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

/** What a room lets guests and members do. */
const LETS = ["members_add", "members_pin", "members_mention_all", "guests_send"] as const;
type Lets = Pick<Room, (typeof LETS)[number]>;

const letsOf = ({ members_add, members_pin, members_mention_all, guests_send }: Room): Lets => ({
  members_add,
  members_pin,
  members_mention_all,
  guests_send,
});

const changed = (now: Lets, before: Lets): Partial<Lets> =>
  Object.fromEntries(LETS.filter((flag) => now[flag] !== before[flag]).map((flag) => [flag, now[flag]]));

/** For how long a message can be edited, in seconds; 0: as the server says. */
const EDIT_WINDOWS_S = [0, 300, 3_600, 86_400];

function Form({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const fieldError = useFieldError();
  const isOwner = room.role === "owner";
  const isDirect = room.kind === "direct";
  const [senders, setSenders] = useState(sendersOf(room));
  const [pause, setPause] = useState(`${room.slow_mode_s}`);
  const [history, setHistory] = useState(room.history);
  const [lets, setLets] = useState(letsOf(room));
  const [editWindow, setEditWindow] = useState(`${room.edit_window_s}`);
  // By what a room without a name is shown is no name of its own.
  const ownName = room.unnamed ? null : room.name;
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (field: string) => String(data.get(field) ?? "").trim() || null;
    const [name, slug, topic, avatar_url] = [text("name"), text("slug"), text("topic"), text("avatar_url")];
    // Only what is another: what somebody else changes meanwhile stays.
    const changes = {
      ...(isOwner && name !== ownName ? { name } : {}),
      ...(isOwner && topic !== (room.topic ?? null) ? { topic } : {}),
      ...(isOwner && avatar_url !== (room.avatar_url ?? null) ? { avatar_url } : {}),
      ...(isOwner ? changed(lets, letsOf(room)) : {}),
      ...(isOwner && Number(editWindow) !== room.edit_window_s ? { edit_window_s: Number(editWindow) } : {}),
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
  const fieldErrors = [nameError, slugError, fieldError(error, "topic"), fieldError(error, "avatar_url")];
  const editWindows = [...new Set([...EDIT_WINDOWS_S, room.edit_window_s])].sort((one, other) => one - other);
  const pauses = [...new Set([...PAUSES_S, room.slow_mode_s])].sort((one, other) => one - other);
  return (
    <form className="dialog-form" onSubmit={(event) => void submit(event)}>
      <div className="dialog-body">
        {isOwner && (
          <>
            <Field
              label={texts.roomName}
              name="name"
              required={room.kind !== "private"}
              maxLength={100}
              defaultValue={ownName ?? ""}
              {...(room.kind === "private" && { hint: texts.unnamedHint })}
              error={nameError}
            />
            {!isDirect && (
              <>
                <Field label={texts.roomTopic} name="topic" maxLength={150} defaultValue={room.topic ?? ""} error={fieldError(error, "topic")} />
                <Field
                  label={texts.roomPicture}
                  name="avatar_url"
                  type="url"
                  maxLength={1024}
                  defaultValue={room.avatar_url ?? ""}
                  hint={texts.roomPictureHint}
                  error={fieldError(error, "avatar_url")}
                />
              </>
            )}
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
            <fieldset className="choices">
              <legend>{texts.roomLets}</legend>
              {LETS.map((flag) => (
                <label key={flag} className="choice">
                  <input
                    type="checkbox"
                    checked={lets[flag]}
                    onChange={(event) => setLets({ ...lets, [flag]: event.target.checked })}
                  />
                  <span className="choice-label">{texts.lets[flag]}</span>
                </label>
              ))}
            </fieldset>
            <Select
              label={texts.editWindow}
              value={editWindow}
              onChange={setEditWindow}
              choices={editWindows.map((seconds) => ({
                value: `${seconds}`,
                label: seconds === 0 ? texts.editWindowDefault : pauseText(texts, seconds),
              }))}
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
        {error !== null && fieldErrors.every((one) => one === undefined) && (
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
