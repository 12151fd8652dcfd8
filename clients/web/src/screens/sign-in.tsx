import { MadangError } from "@madang/client";
import { Eye, EyeOff } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Language, languages, useLanguage, useTexts } from "../i18n";
import { signIn, signUp } from "../state/account";
import { errorText, useFieldError } from "../state/errors";
import { prefer } from "../state/preferences";
import { Button, IconButton } from "../ui/button";
import { Field } from "../ui/field";
import { Logo } from "../ui/logo";

export function SignIn({ ended }: { ended: boolean }) {
  const texts = useTexts();
  const [isNew, setIsNew] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fieldError = useFieldError();
  const [seen, setSeen] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (name: string) => String(data.get(name) ?? "");
    setBusy(true);
    setError(null);
    try {
      if (isNew) await signUp(text("username"), text("password"), text("name").trim());
      else await signIn(text("username"), text("password"));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };

  const wrong = error instanceof MadangError ? error.code : null;
  const usernameError = fieldError(error, "username") ?? (isNew && wrong === "already_exists" ? texts.usernameTaken : undefined);
  const passwordError = isNew ? fieldError(error, "password") : undefined;
  const nameError = fieldError(error, "name");
  const shownAtField = usernameError ?? passwordError ?? nameError;
  const general =
    error === null || shownAtField !== undefined
      ? null
      : !isNew && (wrong === "unauthenticated" || wrong === "invalid_argument")
        ? texts.wrongPassword
        : errorText(texts, error);

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <Logo />
        <h1>Madang</h1>
        <p className="sign-in-tagline">{texts.tagline}</p>
        {ended && error === null && (
          <p className="banner" role="status">
            {texts.sessionEnded}
          </p>
        )}
        <form key={String(isNew)} onSubmit={(event) => void submit(event)} noValidate={false}>
          <Field
            label={texts.username}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
            maxLength={64}
            error={usernameError}
            {...(isNew ? { hint: texts.usernameHint } : {})}
          />
          {isNew && (
            <Field
              label={texts.displayName}
              name="name"
              autoComplete="name"
              maxLength={64}
              hint={texts.displayNameHint}
              error={nameError}
            />
          )}
          <Field
            label={texts.password}
            name="password"
            type={seen ? "text" : "password"}
            autoComplete={isNew ? "new-password" : "current-password"}
            required
            minLength={isNew ? 8 : 1}
            maxLength={256}
            error={passwordError}
            {...(isNew ? { hint: texts.passwordHint } : {})}
            trailing={
              <IconButton
                label={seen ? texts.hidePassword : texts.showPassword}
                aria-pressed={seen}
                onClick={() => setSeen(!seen)}
              >
                {seen ? <EyeOff /> : <Eye />}
              </IconButton>
            }
          />
          {general !== null && (
            <p className="form-error" role="alert">
              {general}
            </p>
          )}
          <Button type="submit" kind="primary" className="wide" disabled={busy}>
            {isNew ? texts.signUp : texts.signIn}
          </Button>
        </form>
        <p className="sign-in-other">
          {isNew ? texts.haveAccount : texts.noAccount}{" "}
          <button type="button" className="link" onClick={() => (setIsNew(!isNew), setError(null))}>
            {isNew ? texts.signIn : texts.signUp}
          </button>
        </p>
      </div>
      <LanguageLinks />
    </main>
  );
}

function LanguageLinks() {
  const current = useLanguage();
  return (
    <div className="sign-in-languages">
      {Object.entries(languages).map(([code, { language }]) => (
        <button
          key={code}
          type="button"
          className="link"
          lang={code}
          aria-pressed={code === current}
          onClick={() => prefer({ language: code as Language })}
        >
          {language}
        </button>
      ))}
    </div>
  );
}
