import { MadangError } from "@madang/client";
import { useClient, useRooms } from "@madang/react";
import { type FormEvent, useState } from "react";
import { useTexts } from "../i18n";
import { errorText, useFieldError } from "../state/errors";
import { go, roomHash } from "../state/route";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choices, Field } from "../ui/field";
import { PeoplePicker } from "./people-picker";

export function NewRoom({ open, onClose }: { open: boolean; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open={open} onClose={onClose} title={texts.newRoom}>
      <NewRoomForm onClose={onClose} />
    </Dialog>
  );
}

function NewRoomForm({ onClose }: { onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const { reload } = useRooms();
  const [kind, setKind] = useState<"public" | "private">("public");
  const [members, setMembers] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fieldError = useFieldError();
  // Of one form: who presses twice, or whose answer is lost, makes one room.
  const [idempotencyKey, setKey] = useState(() => crypto.getRandomValues(new Uint32Array(4)).join("-"));

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = String(data.get("name") ?? "").trim();
    const slug = String(data.get("slug") ?? "").trim();
    setBusy(true);
    setError(null);
    try {
      const body = { kind, members: [...members], ...(name && { name }), ...(slug && { slug }) };
      const room = await client.rest.createRoom(body, { idempotencyKey });
      await reload();
      onClose();
      go(roomHash(room.id));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
      // What is refused is changed before it comes again.
      if (thrown instanceof MadangError && thrown.status !== undefined && thrown.status < 500) {
        setKey(crypto.getRandomValues(new Uint32Array(4)).join("-"));
      }
    }
  };

  const isTaken = error instanceof MadangError && error.code === "already_exists";
  const nameError = fieldError(error, "name");
  const slugError = fieldError(error, "slug") ?? (isTaken ? texts.slugTaken : undefined);
  return (
    <form className="dialog-form" onSubmit={(event) => void submit(event)}>
      <div className="dialog-body">
        <Field
          label={texts.roomName}
          name="name"
          required={kind === "public"}
          maxLength={100}
          autoComplete="off"
          {...(kind === "private" && { hint: texts.unnamedHint })}
          error={nameError}
        />
        <Choices
          label={texts.roomKind}
          value={kind}
          onChange={setKind}
          choices={[
            { value: "public", label: texts.kindPublic, hint: texts.kindPublicHint },
            { value: "private", label: texts.kindPrivate, hint: texts.kindPrivateHint },
          ]}
        />
        {kind === "public" && (
          <Field
            label={texts.slug}
            name="slug"
            maxLength={64}
            pattern="[a-z0-9]([a-z0-9_\-]*[a-z0-9])?"
            title={texts.slugHint}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            hint={texts.slugHint}
            error={slugError}
          />
        )}
        <PeoplePicker
          picked={members}
          onPick={({ id }) => {
            const next = new Set(members);
            if (!next.delete(id)) next.add(id);
            setMembers(next);
          }}
        />
        {error !== null && nameError === undefined && slugError === undefined && (
          <p className="form-error" role="alert">
            {errorText(texts, error)}
          </p>
        )}
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>{texts.cancel}</Button>
        <Button type="submit" kind="primary" disabled={busy}>
          {texts.create}
        </Button>
      </div>
    </form>
  );
}
