import type { AuthSession } from "@madang/client";
import { useClient } from "@madang/react";
import { Laptop, Smartphone } from "lucide-react";
import { useEffect, useState } from "react";
import { momentText, shortText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { Button } from "../ui/button";
import { useAct } from "../ui/toasts";
import { deviceOf } from "./device-name";

export function Devices() {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const act = useAct();
  const [sessions, setSessions] = useState<readonly AuthSession[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => void client.rest.listSessions().then(({ items }) => setSessions(items), setError), [client]);
  const end = async (session: AuthSession) => {
    await client.rest.revokeSession(session.id);
    setSessions((before) => before?.filter(({ id }) => id !== session.id) ?? null);
  };
  return (
    <div className="settings-form">
      <p className="hint">{texts.devicesHint}</p>
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      <ul className="pick-list">
        {sessions?.map((session) => {
          const device = deviceOf(session.user_agent);
          const name = device.name ?? texts.unknownDevice;
          const Icon = device.isPhone ? Smartphone : Laptop;
          return (
            <li key={session.id} className="pick-row device">
              <Icon aria-hidden="true" />
              <span className="pick-text">
                <span className="pick-name">{name}</span>
                <span className="pick-note" title={momentText(language, session.used_at)}>
                  {[texts.lastUsed(shortText(language, session.used_at)), session.ip].filter(Boolean).join(" · ")}
                </span>
              </span>
              {session.current ? (
                <span className="tag">{texts.thisDevice}</span>
              ) : (
                <Button
                  aria-label={texts.endSessionOf(name)}
                  onClick={() => void act(() => end(session)).catch(() => {})}
                >
                  {texts.endSession}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
