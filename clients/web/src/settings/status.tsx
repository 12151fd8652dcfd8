// What one says of what one does: the text, and when it ends by itself.
import { OwnAccount } from "@madang/client/account";
import { useClient } from "@madang/react";
import { usePersonState } from "@madang/react/people";
import { type FormEvent, useState } from "react";
import { momentText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { useMe } from "../state/world";
import { Button } from "../ui/button";
import { Choices, Field } from "../ui/field";
import { say } from "../ui/toasts";

const STATUS_MAX = 100;
const HOUR_MS = 3_600_000;

type End = "never" | "hour" | "today";

function untilOf(end: End): string | null {
  if (end === "never") return null;
  if (end === "hour") return new Date(Date.now() + HOUR_MS).toISOString();
  const midnight = new Date();
  midnight.setHours(24, 0, 0, 0);
  return midnight.toISOString();
}

export function StatusForm() {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const me = useMe();
  const { status } = usePersonState(me.id);
  const [end, setEnd] = useState<End>("never");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const put = async (text: string | null) => {
    setBusy(true);
    setError(null);
    try {
      await new OwnAccount(client.rest).putStatus({ text, until: text === null ? null : untilOf(end) });
      say(texts.saved);
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("status") ?? "").trim();
    void put(text === "" ? null : text);
  };
  return (
    // A status that was set elsewhere is what the field begins with.
    <form key={status?.text} className="settings-section" onSubmit={submit}>
      <Field
        label={texts.status}
        name="status"
        maxLength={STATUS_MAX}
        autoComplete="off"
        placeholder={texts.statusPlaceholder}
        defaultValue={status?.text ?? ""}
        {...(status?.until ? { hint: texts.statusUntil(momentText(language, status.until)) } : {})}
      />
      <Choices
        label={texts.statusEnds}
        value={end}
        onChange={setEnd}
        choices={[
          { value: "never", label: texts.statusNoEnd },
          { value: "hour", label: texts.statusOneHour },
          { value: "today", label: texts.statusToday },
        ]}
      />
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      <div>
        <Button type="submit" kind="primary" disabled={busy}>
          {texts.setStatus}
        </Button>{" "}
        {status && (
          <Button disabled={busy} onClick={() => void put(null)}>
            {texts.clearStatus}
          </Button>
        )}
      </div>
    </form>
  );
}
