import { MadangError, type Room } from "@madang/client";
import { useClient, usePresence, useRooms } from "@madang/react";
import { ArrowLeft, Bell, EllipsisVertical, Link, LogOut, Pencil, Pin, Trash2, Users } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useTexts } from "../i18n";
import { errorText, useFieldError } from "../state/errors";
import { go, roomHash } from "../state/route";
import { useMedia } from "../state/use-media";
import type { Person } from "../state/world";
import { RoomAvatar } from "../rooms/room-avatar";
import { Button, IconButton } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { type Action, Menu } from "../ui/menu";
import { say, useAct } from "../ui/toasts";
import type { DetailsTab } from "./details";
import { RoomNotifications } from "./room-notifications";

export function RoomHeader({
  room,
  name,
  peer,
  pins,
  details,
  onDetails,
}: {
  room: Room;
  name: string;
  peer: Person | null;
  pins: number;
  details: DetailsTab | null;
  onDetails: (tab: DetailsTab) => void;
}) {
  const texts = useTexts();
  const { count, users } = usePresence(room.id);
  const heading = useRef<HTMLHeadingElement>(null);
  const isTouch = useMedia("(pointer: coarse)");
  useEffect(() => {
    // Where the text does not take the focus, for a keyboard would cover the room, its name does.
    if (isTouch) heading.current?.focus();
  }, [room.id, isTouch]);
  const isPeerHere = peer !== null && (users?.some(({ id }) => id === peer.id) ?? false);
  return (
    <header className="room-header">
      <a className="icon-button room-back" href="#" aria-label={texts.back}>
        <ArrowLeft />
      </a>
      <RoomAvatar room={room} name={name} peer={peer} />
      <div className="room-title">
        <h1 ref={heading} tabIndex={-1}>
          {name}
        </h1>
        <p>
          {room.kind === "direct" ? (
            isPeerHere ? (
              <span className="presence">{texts.onlineNow}</span>
            ) : (
              peer?.username !== undefined && `@${peer.username}`
            )
          ) : (
            <>
              <span>{texts.members(room.members)}</span>
              {count > 0 && <span className="presence">{texts.here(count)}</span>}
            </>
          )}
        </p>
      </div>
      {pins > 0 && (
        <IconButton label={`${texts.pins}: ${pins}`} aria-expanded={details === "pins"} onClick={() => onDetails("pins")}>
          <Pin />
        </IconButton>
      )}
      <IconButton label={texts.details} aria-expanded={details === "members"} onClick={() => onDetails("members")}>
        <Users />
      </IconButton>
      <RoomMenu room={room} name={name} />
    </header>
  );
}

function RoomMenu({ room, name }: { room: Room; name: string }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const { reload } = useRooms();
  const [open, setOpen] = useState<"edit" | "notifications" | "leave" | "delete" | null>(null);
  const close = () => setOpen(null);
  const isDirect = room.kind === "direct";
  const isOwner = room.role === "owner";
  const gone = async (act: () => Promise<void>) => {
    await act();
    go("");
    await reload();
  };
  const leave = async () => {
    try {
      await client.rest.leaveRoom(room.id);
    } catch (error) {
      if (!(error instanceof MadangError) || error.code !== "failed_precondition") throw error;
      say(texts.lastOwner, "error");
      return;
    }
    go("");
    await reload();
  };
  const copyLink = async () => {
    await navigator.clipboard.writeText(new URL(roomHash(room.slug ?? room.id), location.href).href);
  };
  const actions: Action[] = [
    { name: "link", label: texts.copyLink, icon: Link, run: () => void act(copyLink, texts.linkCopied).catch(() => {}) },
    { name: "notifications", label: texts.notifications, icon: Bell, run: () => setOpen("notifications") },
    ...(isOwner ? [{ name: "edit", label: texts.editRoom, icon: Pencil, run: () => setOpen("edit") }] : []),
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
      <Dialog open={open === "edit"} onClose={close} title={texts.editRoom}>
        <EditRoom room={room} onClose={close} />
      </Dialog>
      <Dialog open={open === "notifications"} onClose={close} title={texts.notifications}>
        <RoomNotifications room={room} />
      </Dialog>
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

function EditRoom({ room, onClose }: { room: Room; onClose: () => void }) {
  const texts = useTexts();
  const client = useClient();
  const [error, setError] = useState<unknown>(null);
  const fieldError = useFieldError();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const slug = String(data.get("slug") ?? "").trim();
    setBusy(true);
    try {
      const change = (slug || null) === room.slug ? {} : { slug: slug || null };
      await client.rest.updateRoom(room.id, { name: String(data.get("name") ?? ""), ...change });
      say(texts.saved);
      onClose();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  const isTaken = error instanceof MadangError && error.code === "already_exists";
  const nameError = fieldError(error, "name");
  const slugError = fieldError(error, "slug") ?? (isTaken ? texts.slugTaken : undefined);
  return (
    <form className="dialog-form" onSubmit={(event) => void submit(event)}>
      <div className="dialog-body">
        <Field label={texts.roomName} name="name" required maxLength={100} defaultValue={room.name} error={nameError} />
        <Field
          label={texts.slug}
          name="slug"
          maxLength={64}
          defaultValue={room.slug ?? ""}
          hint={texts.slugHint}
          error={slugError}
          autoCapitalize="none"
          spellCheck={false}
        />
        {error !== null && nameError === undefined && slugError === undefined && (
          <p className="form-error" role="alert">
            {errorText(texts, error)}
          </p>
        )}
      </div>
      <div className="dialog-actions">
        <Button onClick={onClose}>{texts.cancel}</Button>
        <Button type="submit" kind="primary" disabled={busy}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}
