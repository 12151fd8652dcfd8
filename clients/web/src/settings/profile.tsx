import { useClient } from "@madang/react";
import { type FormEvent, useState } from "react";
import { useTexts } from "../i18n";
import { errorText, useFieldError } from "../state/errors";
import { useMe, useWorld } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { say } from "../ui/toasts";
import { StatusForm } from "./status";

export function Profile() {
  const texts = useTexts();
  const client = useClient();
  const world = useWorld();
  const me = useMe();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fieldError = useFieldError();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const address = String(data.get("avatar_url") ?? "").trim();
    setBusy(true);
    setError(null);
    try {
      world.changed(await client.rest.updateMe({ name: String(data.get("name") ?? ""), avatar_url: address || null }));
      say(texts.saved);
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  const nameError = fieldError(error, "name");
  const avatarError = fieldError(error, "avatar_url");
  return (
    <div className="settings-form">
      <form className="settings-form" onSubmit={(event) => void submit(event)}>
        <div className="settings-me">
          <Avatar id={me.id} name={me.name} url={me.avatar_url} size="large" />
          <div>
            <p className="settings-name">{me.name}</p>
            <p className="hint">@{me.username}</p>
          </div>
        </div>
        <Field label={texts.displayName} name="name" required maxLength={64} defaultValue={me.name} error={nameError} />
        <Field
          label={texts.avatarUrl}
          name="avatar_url"
          type="url"
          maxLength={2048}
          defaultValue={me.avatar_url ?? ""}
          hint={texts.avatarUrlHint}
          error={avatarError}
        />
        {error !== null && nameError === undefined && avatarError === undefined && (
          <p className="form-error" role="alert">
            {errorText(texts, error)}
          </p>
        )}
        <div>
          <Button type="submit" kind="primary" disabled={busy}>
            {texts.save}
          </Button>
        </div>
      </form>
      <StatusForm />
    </div>
  );
}
