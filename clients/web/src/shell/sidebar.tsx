import type { Room } from "@madang/client";
import { useNotices, useRooms } from "@madang/react";
import { Bell, Compass, Flag, Hash, LogOut, MessageCircle, MessagesSquare, Plus, Search, Settings, SquarePen } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTexts } from "../i18n";
import { signOut } from "../state/account";
import { useMe } from "../state/world";
import { Avatar } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Empty } from "../ui/empty";
import { Menu } from "../ui/menu";
import { Later } from "../ui/later";
import {
  BrowseRooms,
  NewDirect,
  NewRoom,
  NoticesDialog,
  ReportsDialog,
  SearchDialog,
  SettingsDialog,
  ThreadsDialog,
} from "./later-dialogs";
import { ConnectionDot } from "./connection-note";
import { RoomRow } from "./room-row";

type Open = "notices" | "settings" | "new" | "direct" | "browse" | "search" | "reports" | "threads" | null;

/** With as many rooms a field to find one is of use. */
const FILTER_FROM = 8;

export function Sidebar({ open, note }: { open: string | null; note: ReactNode }) {
  const texts = useTexts();
  const me = useMe();
  const { rooms, ready } = useRooms();
  const { unread } = useNotices();
  const [dialog, setDialog] = useState<Open>(null);
  const [filter, setFilter] = useState("");
  const close = () => setDialog(null);
  const shown = rooms.filter((room) => matches(room, filter));
  const moderates = rooms.some(({ kind, role }) => kind !== "direct" && (role === "moderator" || role === "owner"));
  return (
    <nav className="sidebar" aria-label={texts.rooms}>
      <h1 className="visually-hidden">Madang</h1>
      <header className="sidebar-header">
        <Menu
          align="start"
          sections={[
            [
              ...(moderates ? [{ name: "reports", label: texts.reports, icon: Flag, run: () => setDialog("reports") }] : []),
              { name: "settings", label: texts.settings, icon: Settings, run: () => setDialog("settings") },
            ],
            [{ name: "out", label: texts.signOut, icon: LogOut, run: () => void signOut() }],
          ]}
          trigger={
            <button type="button" className="me">
              <span className="me-picture">
                <Avatar id={me.id} name={me.name} url={me.avatar_url} />
                <ConnectionDot />
              </span>
              <span className="me-names">
                <span className="me-name">{me.name}</span>
                <span className="me-username">@{me.username}</span>
              </span>
            </button>
          }
        />
        <IconButton
          label={unread === 0 ? texts.notices : texts.noticesUnread(unread)}
          className="bell"
          onClick={() => setDialog("notices")}
        >
          <Bell />
          {unread > 0 && (
            <span className="bell-count" aria-hidden="true">
              {unread > 99 ? "99+" : unread}
            </span>
          )}
        </IconButton>
        <IconButton label={texts.threads} onClick={() => setDialog("threads")}>
          <MessagesSquare />
        </IconButton>
        <IconButton label={texts.searchMessages} onClick={() => setDialog("search")}>
          <Search />
        </IconButton>
        <Menu
          sections={[
            [
              { name: "new", label: texts.newRoom, icon: Hash, run: () => setDialog("new") },
              { name: "direct", label: texts.newDirect, icon: MessageCircle, run: () => setDialog("direct") },
              { name: "browse", label: texts.browseRooms, icon: Compass, run: () => setDialog("browse") },
            ],
          ]}
          trigger={
            <button type="button" className="icon-button" aria-label={texts.newRoom}>
              <SquarePen />
            </button>
          }
        />
      </header>
      {rooms.length >= FILTER_FROM && (
        <div className="sidebar-filter">
          <Search aria-hidden="true" />
          <input
            type="search"
            aria-label={texts.filterRooms}
            placeholder={texts.filterRooms}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
        </div>
      )}
      <div className="room-list-box">
        {ready && rooms.length === 0 ? (
          <Empty icon={Hash} title={texts.noRooms}>
            <p className="hint">{texts.noRoomsHint}</p>
            <div className="empty-actions">
              <Button kind="primary" onClick={() => setDialog("browse")}>
                <Compass aria-hidden="true" />
                {texts.browseRooms}
              </Button>
              <Button onClick={() => setDialog("new")}>
                <Plus aria-hidden="true" />
                {texts.newRoom}
              </Button>
            </div>
          </Empty>
        ) : (
          <ul className="room-list">
            {shown.map((room) => (
              <RoomRow key={room.id} room={room} isOpen={room.id === open || (room.slug !== null && room.slug === open)} />
            ))}
          </ul>
        )}
        {rooms.length > 0 && shown.length === 0 && <p className="hint room-list-none">{texts.noMatch}</p>}
      </div>
      {note}
      <Later open={dialog === "notices"} dialog={NoticesDialog} onClose={close} />
      <Later open={dialog === "settings"} dialog={SettingsDialog} onClose={close} />
      <Later open={dialog === "reports"} dialog={ReportsDialog} onClose={close} />
      <Later open={dialog === "new"} dialog={NewRoom} onClose={close} />
      <Later open={dialog === "direct"} dialog={NewDirect} onClose={close} />
      <Later open={dialog === "search"} dialog={SearchDialog} onClose={close} />
      <Later open={dialog === "threads"} dialog={ThreadsDialog} onClose={close} />
      <Later open={dialog === "browse"} dialog={BrowseRooms} onClose={close} />
    </nav>
  );
}

function matches({ name, slug }: Room, filter: string): boolean {
  const wanted = filter.trim().toLocaleLowerCase();
  return name.toLocaleLowerCase().includes(wanted) || (slug ?? "").includes(wanted);
}
