// Of what in a room the user wants to be notified.
import type { Room, RoomSettingsChanges } from "@madang/client";
import { Receipts } from "@madang/client/receipts";
import { useClient } from "@madang/react";
import { useEffect, useState } from "react";
import { momentText, useLanguage, useTexts } from "../i18n";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choices } from "../ui/field";
import { useAct } from "../ui/toasts";

const HOUR_MS = 60 * 60 * 1_000;

export function RoomNotifications({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open onClose={onClose} title={texts.notifications}>
      <Settings room={room} />
    </Dialog>
  );
}

function Settings({ room }: { room: Room }) {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const act = useAct();
  const [settings, setSettings] = useState(room.settings ?? { notify: "all" as const, muted_until: null });
  useEffect(
    () =>
      client.on("passing", (frame) => {
        if (frame.type === "settings" && frame.room === room.id && frame.settings) setSettings(frame.settings);
      }),
    [client, room.id],
  );
  // What is shown is what the server has: the room of the list may be older.
  useEffect(() => {
    void client.rest
      .getRoom(room.id)
      .then((now) => now.settings && setSettings(now.settings))
      .catch(() => {});
  }, [client, room.id]);
  const change = (changes: RoomSettingsChanges) =>
    void act(() => new Receipts(client.rest).putRoomSettings(room.id, changes).then(setSettings), texts.saved).catch(() => {});
  const mute = (ms: number) => change({ muted_until: new Date(Date.now() + ms).toISOString() });
  const until = settings.muted_until ?? null;
  const isMuted = until !== null && new Date(until).getTime() > Date.now();
  return (
    <div className="dialog-body">
      <Choices
        label={texts.notifications}
        value={settings.notify}
        onChange={(notify) => change({ notify })}
        choices={[
          { value: "all", label: texts.notifyAll },
          { value: "mentions", label: texts.notifyMentions },
          { value: "none", label: texts.notifyNone, hint: texts.notifyNoneHint },
        ]}
      />
      <section className="room-mute" aria-label={texts.muteRoom}>
        <p className="hint">{isMuted ? texts.mutedUntil(momentText(language, until)) : texts.muteRoom}</p>
        {isMuted ? (
          <Button onClick={() => change({ muted_until: null })}>{texts.unmuteRoom}</Button>
        ) : (
          <>
            <Button onClick={() => mute(HOUR_MS)}>{texts.muteHour}</Button>
            <Button onClick={() => mute(24 * HOUR_MS)}>{texts.muteDay}</Button>
          </>
        )}
      </section>
    </div>
  );
}
