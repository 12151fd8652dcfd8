// What members and word lists have reported, and what becomes of it.
import type { Message, Report, ReportStatus, Room } from "@madang/client";
import { Rooms } from "@madang/client/rooms";
import { useClient, useRooms } from "@madang/react";
import { ShieldCheck } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { momentText, shortText, useLanguage, useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { go, roomHash } from "../state/route";
import { usePerson, useRoomName } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { Select } from "../ui/select";
import { useAct } from "../ui/toasts";
import { usePages } from "./use-pages";

const EVERY_ROOM = "";

/** The reports of the rooms that the user moderates; of one of them at first, where it was opened there. */
export function ReportsDialog({ open, onClose, room }: { open: boolean; onClose: () => void; room?: Room }) {
  const texts = useTexts();
  return (
    <Dialog open={open} onClose={onClose} title={texts.reports} description={texts.reportsHint} className="dialog-reports">
      <Reports first={room?.id ?? EVERY_ROOM} onClose={onClose} />
    </Dialog>
  );
}

function Reports({ first, onClose }: { first: string; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const { rooms } = useRooms();
  const moderated = rooms.filter(({ kind, role }) => kind !== "direct" && (role === "moderator" || role === "owner"));
  const [room, setRoom] = useState(first);
  const [status, setStatus] = useState<ReportStatus>("open");
  const { items, error, loadMore, change } = usePages<Report>(`${room} ${status}`, (query) =>
    new Rooms(client.rest).listReports({ ...query, status, ...(room === EVERY_ROOM ? {} : { room }) }),
  );
  const settle = ({ id }: Report, as: ReportStatus) => {
    const said = { open: texts.reportOpened, resolved: texts.reportResolved, dismissed: texts.reportDismissed }[as];
    const settled = act(() => new Rooms(client.rest).settleReport(id, as), said);
    settled.then(
      () => {
        due.current = { place: items?.findIndex((one) => one.id === id) ?? 0, as };
        change((before) => before.filter((one) => one.id !== id));
      },
      () => {},
    );
  };
  // The button that was pressed is gone: the focus goes to that of the next report.
  const body = useRef<HTMLDivElement>(null);
  const due = useRef<{ place: number; as: ReportStatus } | null>(null);
  useEffect(() => {
    if (due.current === null || items === null) return;
    const { place, as } = due.current;
    due.current = null;
    const buttons = body.current?.querySelectorAll<HTMLElement>(`[data-settle="${as}"]`) ?? [];
    (buttons[Math.min(place, buttons.length - 1)] ?? body.current?.querySelector("select"))?.focus();
  }, [items]);
  return (
    <div ref={body} className="dialog-body">
      <div className="report-filters">
        <Select
          label={texts.reportStatus}
          value={status}
          onChange={setStatus}
          choices={[
            { value: "open", label: texts.statusOpen },
            { value: "resolved", label: texts.statusResolved },
            { value: "dismissed", label: texts.statusDismissed },
          ]}
        />
        <Select
          label={texts.reportRoom}
          value={room}
          onChange={setRoom}
          choices={[{ value: EVERY_ROOM, label: texts.allRooms }, ...moderated.map(({ id, name }) => ({ value: id, label: name }))]}
        />
      </div>
      {error !== null && (
        <p className="form-error" role="alert">
          {errorText(texts, error)}
        </p>
      )}
      <p className="visually-hidden" role="status">
        {items === null ? (error === null ? texts.loading : "") : texts.reportCount(items.length)}
      </p>
      {items?.length === 0 && <Empty icon={ShieldCheck} title={status === "open" ? texts.noReports : texts.noReportsSuch} />}
      {items !== null && items.length > 0 && (
        <ul className="pick-list" aria-label={texts.reports}>
          {items.map((report) => (
            <ReportRow
              key={report.id}
              report={report}
              room={rooms.find(({ id }) => id === report.room)}
              onSettle={(as) => settle(report, as)}
              onGo={(seq) => (onClose(), go(roomHash(report.room, seq)))}
            />
          ))}
        </ul>
      )}
      {loadMore && <Button onClick={loadMore}>{texts.more}</Button>}
    </div>
  );
}

function ReportRow({ report, room, onSettle, onGo }: {
  report: Report;
  room: Room | undefined;
  onSettle: (as: ReportStatus) => void;
  onGo: (seq: number) => void;
}) {
  const texts = useTexts();
  const language = useLanguage();
  const sender = usePerson(report.sender);
  const reporter = report.reporter?.name ?? null;
  const name = useRoomName(room);
  const message = useMessage(report);
  const what = texts.reportOf(sender.name, shortText(language, report.at));
  return (
    <li className="pin" aria-label={what}>
      <p className="pin-head">
        <Avatar id={sender.id} name={sender.name} url={sender.avatar_url} size="small" />
        <span className="pick-name">{sender.name}</span>
        <span className="pick-note pin-room">{name || texts.aRoom}</span>
        <time className="pick-note" dateTime={report.at} title={momentText(language, report.at)}>
          {shortText(language, report.at)}
        </time>
      </p>
      {message === "loading" ? (
        <p className="pin-text hint">{texts.loading}</p>
      ) : message === null ? (
        <p className="pin-text hint">{texts.notShownHere}</p>
      ) : message.deleted ? (
        <p className="pin-text hint">{texts.deletedMessage}</p>
      ) : (
        <p className="pin-text">{message.text || texts.attachment}</p>
      )}
      <p className="report-why">
        {reporter === null ? texts.reportedByList : texts.reportedBy(reporter)}
        {report.reason !== null && <q>{report.reason}</q>}
      </p>
      <p className="pin-actions report-actions">
        {/* A thread is opened at its root. */}
        <Button
          kind="quiet"
          disabled={message === null || message === "loading"}
          onClick={() => onGo(Number((message !== "loading" && message?.thread?.root) || report.message))}
        >
          {texts.goToMessage}
        </Button>
        {report.status === "open" ? (
          <span className="notice-actions">
            <Button data-settle="dismissed" aria-label={texts.dismissOf(what)} onClick={() => onSettle("dismissed")}>
              {texts.dismissReport}
            </Button>
            <Button kind="primary" data-settle="resolved" aria-label={texts.resolveOf(what)} onClick={() => onSettle("resolved")}>
              {texts.resolveReport}
            </Button>
          </span>
        ) : (
          <Button data-settle="open" aria-label={texts.reopenOf(what)} onClick={() => onSettle("open")}>
            {texts.reopenReport}
          </Button>
        )}
      </p>
    </li>
  );
}

/** The message of a report, as it is now; null where it cannot be seen. */
function useMessage({ room, message }: Report): Message | null | "loading" {
  const client = useClient();
  const [loaded, setLoaded] = useState<Message | null | "loading">("loading");
  useEffect(() => {
    let isCurrent = true;
    const found = client.history(room, { after: Number(message) - 1, limit: 1 }).then(({ events: [event] }) => event, () => undefined);
    void found.then((event) => isCurrent && setLoaded(event?.kind === "message" && event.message.id === message ? event.message : null));
    return () => void (isCurrent = false);
  }, [client, room, message]);
  return loaded;
}
