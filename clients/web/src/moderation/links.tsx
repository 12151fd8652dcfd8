import type { Invitation, Room } from "@madang/client";
import { Rooms } from "@madang/client/rooms";
import { useClient } from "@madang/react";
import { Link2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { momentText, shortDateText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { joinHash } from "../state/route";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Select } from "../ui/select";
import { useAct } from "../ui/toasts";

const HOUR_MS = 3_600_000;
const LASTS_MS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, month: 30 * 24 * HOUR_MS, year: 365 * 24 * HOUR_MS };
const USES = [1, 5, 25, 100] as const;

/** The links by which people come to a room: one makes them, sees what became of them, and revokes them. */
export function Links({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  return (
    <Dialog open onClose={onClose} title={texts.links} description={texts.linksHint}>
      <LinksOf room={room} />
    </Dialog>
  );
}

function LinksOf({ room }: { room: Room }) {
  const texts = useTexts();
  const language = useLanguage();
  const client = useClient();
  const act = useAct();
  const rooms = new Rooms(client.rest);
  const [links, setLinks] = useState<readonly Invitation[] | null>(null);
  const [made, setMade] = useState<Invitation | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let isCurrent = true;
    const loading = new Rooms(client.rest).listInvitations(room.id);
    loading.then(({ items }) => isCurrent && setLinks(items), (thrown: unknown) => isCurrent && setError(thrown));
    return () => void (isCurrent = false);
  }, [client, room.id]);
  const revoke = async (id: string) => {
    await rooms.revokeInvitation(room.id, id);
    setLinks((before) => before?.filter((link) => link.id !== id) ?? null);
    if (made?.id === id) setMade(null);
  };
  return (
    <div className="dialog-body">
      <NewLink
        room={room}
        onMade={(link) => {
          setMade(link);
          setLinks((before) => [link, ...(before ?? [])]);
        }}
      />
      {made?.code !== undefined && <Made code={made.code} />}
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      {links?.length === 0 && <p className="hint">{texts.noLinks}</p>}
      {links !== null && links.length > 0 && (
        <ul className="pick-list" aria-label={texts.links}>
          {links.map((link) => (
            <li key={link.id} className="pick-row">
              <Link2 aria-hidden="true" />
              <span className="pick-text">
                <span className="pick-name">{texts.linkBy(link.by.name)}</span>
                <span className="pick-note" title={momentText(language, link.expires_at)}>
                  {texts.linkEnds(shortDateText(language, link.expires_at))} · {texts.linkUsed(link.used, link.uses)}
                </span>
              </span>
              <Button
                aria-label={texts.revokeLink(link.by.name, momentText(language, link.expires_at))}
                onClick={() => void act(() => revoke(link.id), texts.revoked).catch(() => {})}
              >
                {texts.revoke}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function NewLink({ room, onMade }: { room: Room; onMade: (link: Invitation) => void }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const [lasts, setLasts] = useState<keyof typeof LASTS_MS>("week");
  const [uses, setUses] = useState("0");
  const [busy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    const body = {
      expires_at: new Date(Date.now() + LASTS_MS[lasts]).toISOString(),
      ...(uses === "0" ? {} : { uses: Number(uses) }),
    };
    const making = () => new Rooms(client.rest).makeInvitation(room.id, body);
    await act(making, undefined, { failed_precondition: texts.tooManyLinks }).then(onMade, () => {});
    setBusy(false);
  };
  return (
    <div className="new-link">
      <Select
        label={texts.linkLasts}
        value={lasts}
        onChange={setLasts}
        choices={[
          { value: "hour", label: texts.hours(1) },
          { value: "day", label: texts.days(1) },
          { value: "week", label: texts.days(7) },
          { value: "month", label: texts.days(30) },
          { value: "year", label: texts.days(365) },
        ]}
      />
      <Select
        label={texts.linkUses}
        value={uses}
        onChange={setUses}
        choices={[
          { value: "0", label: texts.unlimited },
          ...USES.map((count) => ({ value: `${count}`, label: count === 1 ? texts.once : texts.times(count) })),
        ]}
      />
      <Button kind="primary" disabled={busy} onClick={() => void make()}>
        {texts.makeLink}
      </Button>
    </div>
  );
}

/** Only the answer that makes a link has its code. */
function Made({ code }: { code: string }) {
  const texts = useTexts();
  const act = useAct();
  const field = useRef<HTMLInputElement>(null);
  const url = new URL(joinHash(code), location.href).href;
  useEffect(() => field.current?.select(), [url]);
  return (
    <div className="made-link" role="status">
      <p className="hint">{texts.linkMade}</p>
      <div className="field-box">
        <input ref={field} readOnly value={url} aria-label={texts.newLink} onFocus={(event) => event.target.select()} />
        <Button kind="quiet" onClick={() => void act(() => navigator.clipboard.writeText(url), texts.linkCopied).catch(() => {})}>
          {texts.copyIt}
        </Button>
      </div>
    </div>
  );
}
