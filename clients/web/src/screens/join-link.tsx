import { Rooms } from "@madang/client/rooms";
import { useClient, useRooms } from "@madang/react";
import { TicketCheck } from "lucide-react";
import { useState } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { go, roomHash } from "../state/route";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";

/** Where an invitation link leads. Nobody joins without a click: a link may be behind any other one. */
export function JoinLink({ code, onClose }: { code: string; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const { reload } = useRooms();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const join = async () => {
    setBusy(true);
    setError(null);
    try {
      const room = await new Rooms(client.rest).acceptInvitation(code);
      await reload();
      go(roomHash(room.id), { replace: true });
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <main className="no-room">
      <Empty as="h1" icon={TicketCheck} title={texts.joinByLink}>
        <p className="hint">{texts.joinByLinkHint}</p>
        {error !== null && (
          <p className="form-error" role="alert">
            {errorText(texts, error, { not_found: texts.linkInvalid, permission_denied: texts.linkBanned })}
          </p>
        )}
        <div className="empty-actions">
          <Button kind="primary" disabled={busy} onClick={() => void join()}>
            {texts.joinRoom}
          </Button>
          <Button onClick={onClose}>{texts.back}</Button>
        </div>
      </Empty>
    </main>
  );
}
