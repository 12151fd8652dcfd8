import { OwnAccount } from "@madang/client/account";
import { useClient } from "@madang/react";
import { type FormEvent, useState } from "react";
import { useTexts } from "../i18n";
import { signOut } from "../state/account";
import { errorText, useFieldError } from "../state/errors";
import { useMe } from "../state/world";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Field } from "../ui/field";
import { say, useAct } from "../ui/toasts";

/** The password, what one may download, and the end. */
export function AccountSettings() {
  return (
    <div className="settings-form">
      <Password />
      <Export />
      <End />
    </div>
  );
}

function Password() {
  const texts = useTexts();
  const client = useClient();
  const me = useMe();
  const fieldError = useFieldError();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const word = (name: string) => String(data.get(name) ?? "");
    setBusy(true);
    setError(null);
    try {
      const body = { current_password: word("current_password"), new_password: word("new_password") };
      await new OwnAccount(client.rest).changePassword(body);
      form.reset();
      say(texts.passwordChanged);
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  const currentError = fieldError(error, "current_password");
  const newError = fieldError(error, "new_password");
  return (
    <form className="settings-section" onSubmit={(event) => void submit(event)}>
      <h3>{texts.changePassword}</h3>
      {/* For password managers, which keep passwords by name. */}
      <input type="text" name="username" autoComplete="username" value={me.username} readOnly hidden />
      <Field
        label={texts.currentPassword}
        name="current_password"
        type="password"
        autoComplete="current-password"
        required
        error={currentError}
      />
      <Field
        label={texts.newPassword}
        name="new_password"
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        maxLength={256}
        hint={texts.newPasswordHint}
        error={newError}
      />
      {error !== null && currentError === undefined && newError === undefined && (
        <p className="form-error" role="alert">
          {errorText(texts, error, { failed_precondition: texts.noPasswordHere })}
        </p>
      )}
      <div>
        <Button type="submit" kind="primary" disabled={busy}>
          {texts.changePassword}
        </Button>
      </div>
    </form>
  );
}

function Export() {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const download = async () => {
    const account = new OwnAccount(client.rest);
    const { id } = await account.beginExport();
    const lines = await account.readExport(id);
    const url = URL.createObjectURL(new Blob([lines], { type: "application/x-ndjson" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: "madang-export.jsonl" });
    link.click();
    // The browser has begun with it by the next turn.
    setTimeout(() => URL.revokeObjectURL(url), 1_000);
  };
  const run = async () => {
    setBusy(true);
    await act(download).catch(() => {});
    setBusy(false);
  };
  return (
    <section className="settings-section">
      <h3>{texts.exportData}</h3>
      <p className="hint">{texts.exportHint}</p>
      <div>
        <Button disabled={busy} onClick={() => void run()}>
          {busy ? texts.exporting : texts.exportData}
        </Button>
      </div>
    </section>
  );
}

function End() {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const me = useMe();
  const [typed, setTyped] = useState("");
  const [asking, setAsking] = useState(false);
  const erase = () =>
    act(async () => {
      await new OwnAccount(client.rest).erase();
      await signOut();
    });
  return (
    <section className="settings-section">
      <h3>{texts.deleteAccount}</h3>
      <p className="hint">{texts.deleteAccountHint}</p>
      <Field
        label={texts.typeUsername(me.username)}
        value={typed}
        autoComplete="off"
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <div>
        <Button kind="danger" disabled={typed.trim() !== me.username} onClick={() => setAsking(true)}>
          {texts.deleteAccount}
        </Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={texts.deleteAccountTitle}
        text={texts.deleteAccountText}
        action={texts.deleteAccount}
        onConfirm={erase}
      />
    </section>
  );
}
