import type { UserSettings } from "@madang/client";
import { useClient } from "@madang/react";
import { useEffect, useState } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { useBlocked, useWorld } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Choices } from "../ui/field";
import { useAct } from "../ui/toasts";

/** What others see of the user, if the user lets them. */
const SHOWN = ["presence", "last_seen", "typing"] as const;

export function Privacy() {
  const texts = useTexts();
  const client = useClient();
  const world = useWorld();
  const act = useAct();
  const blocked = useBlocked();
  const [settings, setSettings] = useState<UserSettings | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => void client.rest.getSettings().then(setSettings, setError), [client]);
  /** It is shown as it was chosen, and again as it was before if the server refuses. */
  const change = (chosen: Partial<UserSettings>) => {
    if (!settings) return;
    const before = Object.fromEntries(Object.keys(chosen).map((name) => [name, settings[name as keyof UserSettings]]));
    const show = (changes: Partial<UserSettings>) => setSettings((now) => now && { ...now, ...changes });
    show(chosen);
    void act(() => client.rest.putSettings(chosen), texts.saved).catch(() => show(before));
  };
  return (
    <div className="settings-form">
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      {settings && (
        <>
          <div>
            <Choices
              label={texts.addedBy}
              value={settings.added_by}
              onChange={(addedBy) => change({ added_by: addedBy })}
              choices={[
                { value: "anyone", label: texts.addedByAnyone },
                { value: "shared", label: texts.addedByShared },
                { value: "nobody", label: texts.addedByNobody },
              ]}
            />
            <p className="hint">{texts.addedByHint}</p>
          </div>
          <fieldset className="choices">
            <legend>{texts.whatOthersSee}</legend>
            {SHOWN.map((name) => (
              <label key={name} className="choice">
                <input
                  type="checkbox"
                  checked={settings[name]}
                  onChange={(event) => change({ [name]: event.currentTarget.checked })}
                />
                <span className="choice-label">{texts.shown[name]}</span>
              </label>
            ))}
          </fieldset>
        </>
      )}
      <section>
        <h3>{texts.blockedPeople}</h3>
        {blocked.size === 0 && <p className="hint">{texts.noBlocked}</p>}
        <ul className="pick-list">
          {[...blocked.values()].map((user) => (
            <li key={user.id} className="pick-row">
              <Avatar id={user.id} name={user.name} url={user.avatar_url} size="small" />
              <span className="pick-text">
                <span className="pick-name">{user.name}</span>
              </span>
              <Button
                aria-label={`${texts.unblock}: ${user.name}`}
                onClick={() => void act(() => world.unblock(user.id)).catch(() => {})}
              >
                {texts.unblock}
              </Button>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
