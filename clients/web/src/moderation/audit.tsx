// What moderators, owners and the site did in a room.
import type { AuditEntry, Room } from "@madang/client";
import { Rooms } from "@madang/client/rooms";
import { useClient } from "@madang/react";
import { ScrollText } from "lucide-react";
import { momentText, shortDateText, shortText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { auditText } from "./audit-text";
import { usePages } from "./use-pages";

export function Audit({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open onClose={onClose} title={texts.audit} description={texts.auditHint}>
      <AuditOf room={room} />
    </Dialog>
  );
}

function AuditOf({ room }: { room: Room }) {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const { items, error, loadMore } = usePages<AuditEntry>(room.id, (query) => new Rooms(client.rest).listAudit(room.id, query));
  const told = items?.flatMap((entry) => {
    const text = auditText(texts, entry);
    return text === null ? [] : [{ ...entry, text }];
  });
  return (
    <div className="dialog-body">
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      {told?.length === 0 && <Empty icon={ScrollText} title={texts.noAudit} />}
      {told !== undefined && told.length > 0 && (
        <ul className="pick-list" aria-label={texts.audit}>
          {told.map(({ seq, actor, at, by_site, text, until, reason }) => (
            <li key={seq} className="pick-row notice">
              <Avatar id={actor.id} name={actor.name} url={actor.avatar_url} size="small" />
              <span className="pick-text">
                <span className="notice-text">{text}</span>
                {reason !== null && <q className="audit-reason">{reason}</q>}
                <span className="pick-note">
                  <time dateTime={at} title={momentText(language, at)}>
                    {shortText(language, at)}
                  </time>
                  {until !== null && ` · ${texts.bannedUntil(shortDateText(language, until))}`}
                  {by_site && ` · ${texts.bySite}`}
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {loadMore && <Button onClick={loadMore}>{texts.more}</Button>}
    </div>
  );
}
