import type { BannedUser, Room } from "@madang/client";
import { Rooms } from "@madang/client/rooms";
import { useClient } from "@madang/react";
import { UserCheck } from "lucide-react";
import { momentText, shortDateText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { useAct } from "../ui/toasts";
import { usePages } from "./use-pages";

/** Who is banned from a room, why, and until when. */
export function Bans({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open onClose={onClose} title={texts.bans}>
      <BansOf room={room} />
    </Dialog>
  );
}

function BansOf({ room }: { room: Room }) {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const act = useAct();
  const { items: banned, error, loadMore, change } = usePages<BannedUser>(room.id, (query) => new Rooms(client.rest).listBans(room.id, query));
  const end = async ({ user }: BannedUser) => {
    await new Rooms(client.rest).unban(room.id, user.id);
    change((before) => before.filter((one) => one.user.id !== user.id));
  };
  return (
    <div className="dialog-body">
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      {banned?.length === 0 && <Empty icon={UserCheck} title={texts.noBans} />}
      <ul className="pick-list" aria-label={texts.bans}>
        {banned?.map((ban) => (
          <li key={ban.user.id} className="pick-row">
            <Avatar id={ban.user.id} name={ban.user.name} url={ban.user.avatar_url} size="small" />
            <span className="pick-text">
              <span className="pick-name">{ban.user.name}</span>
              <span className="pick-note" title={ban.until === null ? undefined : momentText(language, ban.until)}>
                {ban.until === null ? texts.bannedForGood : texts.bannedUntil(shortDateText(language, ban.until))}
                {ban.reason !== null && ` · ${ban.reason}`}
              </span>
            </span>
            <Button
              aria-label={texts.unbanOf(ban.user.name)}
              onClick={() => void act(() => end(ban), texts.unbanned(ban.user.name)).catch(() => {})}
            >
              {texts.unban}
            </Button>
          </li>
        ))}
      </ul>
      {loadMore && <Button onClick={loadMore}>{texts.more}</Button>}
    </div>
  );
}
