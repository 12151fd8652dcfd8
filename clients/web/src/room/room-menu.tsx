import type { Room } from "@madang/client";
import { useClient, useRooms } from "@madang/react";
import { Bell, EllipsisVertical, Flag, Link, LogOut, ScrollText, SlidersHorizontal, SpellCheck, TicketCheck, Trash2, UserX } from "lucide-react";
import { useState } from "react";
import { useTexts } from "../i18n";
import { go, roomHash } from "../state/route";
import { Confirm } from "../ui/dialog";
import { type Action, Menu } from "../ui/menu";
import { part } from "../ui/part";
import { useAct } from "../ui/toasts";

interface RoomDialogProps {
  room: Room;
  onClose: () => void;
}

const RoomSettings = part<RoomDialogProps>(() => import("../moderation/room-settings").then((module) => module.RoomSettings));
const Links = part<RoomDialogProps>(() => import("../moderation/links").then((module) => module.Links));
const Notifications = part<RoomDialogProps>(() => import("./room-notifications").then((module) => module.RoomNotifications));
const Reports = part<RoomDialogProps & { open: boolean }>(() => import("../moderation/reports").then((module) => module.ReportsDialog));
const Audit = part<RoomDialogProps>(() => import("../moderation/audit").then((module) => module.Audit));
const Words = part<RoomDialogProps>(() => import("../moderation/words").then((module) => module.Words));
const Bans = part<RoomDialogProps>(() => import("../moderation/bans").then((module) => module.Bans));

type Open = "settings" | "notifications" | "links" | "bans" | "reports" | "audit" | "words" | "leave" | "delete";

/** What can be done with a room as a whole. */
export function RoomMenu({ room, name }: { room: Room; name: string }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const { reload } = useRooms();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const isDirect = room.kind === "direct";
  const isOwner = room.role === "owner";
  const isModerator = !isDirect && (isOwner || room.role === "moderator");
  const gone = async (act: () => Promise<void>) => {
    await act();
    go("");
    await reload();
  };
  const leave = async () => {
    await client.rest.leaveRoom(room.id);
    go("");
    await reload();
  };
  const copyLink = async () => {
    await navigator.clipboard.writeText(new URL(roomHash(room.slug ?? room.id), location.href).href);
  };
  const actions: Action[] = [
    { name: "link", label: texts.copyLink, icon: Link, run: () => void act(copyLink, texts.linkCopied).catch(() => {}) },
    { name: "notifications", label: texts.notifications, icon: Bell, run: () => setOpen("notifications") },
    ...(isModerator
      ? [
          { name: "links", label: texts.links, icon: TicketCheck, run: () => setOpen("links") },
          { name: "bans", label: texts.bans, icon: UserX, run: () => setOpen("bans") },
          { name: "reports", label: texts.reports, icon: Flag, run: () => setOpen("reports") },
          { name: "words", label: texts.words, icon: SpellCheck, run: () => setOpen("words") },
          { name: "audit", label: texts.audit, icon: ScrollText, run: () => setOpen("audit") },
        ]
      : []),
    ...(isOwner || isModerator
      ? [{ name: "settings", label: texts.roomSettings, icon: SlidersHorizontal, run: () => setOpen("settings") }]
      : []),
    isDirect
      ? {
          name: "hide",
          label: texts.hideRoom,
          icon: LogOut,
          run: () => void act(() => gone(() => client.rest.deleteRoom(room.id))).catch(() => {}),
        }
      : { name: "leave", label: texts.leave, icon: LogOut, run: () => setOpen("leave") },
    ...(isOwner ? [{ name: "delete", label: texts.deleteRoom, icon: Trash2, danger: true, run: () => setOpen("delete") }] : []),
  ];
  return (
    <>
      <Menu
        sections={[actions]}
        trigger={
          <button type="button" className="icon-button" aria-label={texts.roomMenu}>
            <EllipsisVertical />
          </button>
        }
      />
      {open === "settings" && <RoomSettings room={room} onClose={close} />}
      {open === "notifications" && <Notifications room={room} onClose={close} />}
      {open === "links" && <Links room={room} onClose={close} />}
      {open === "bans" && <Bans room={room} onClose={close} />}
      {open === "reports" && <Reports open room={room} onClose={close} />}
      {open === "words" && <Words room={room} onClose={close} />}
      {open === "audit" && <Audit room={room} onClose={close} />}
      <Confirm
        open={open === "leave"}
        onClose={close}
        title={texts.leaveTitle(name)}
        text={texts.leaveText}
        action={texts.leaveButton}
        onConfirm={() => act(leave)}
      />
      <Confirm
        open={open === "delete"}
        onClose={close}
        title={texts.deleteTitle(name)}
        text={texts.deleteText}
        action={texts.deleteButton}
        onConfirm={() => act(() => gone(() => client.rest.deleteRoom(room.id)))}
      />
    </>
  );
}
