import type { Account, Member, Role, Room } from "@madang/client";
import { useClient } from "@madang/react";
import { usePersonState } from "@madang/react/people";
import { usePresence } from "@madang/react/presence";
import { Ban, Ellipsis, MessageCircle, ShieldCheck, User, UserMinus, UserPlus, UserX, Volume2, VolumeX, Crown } from "lucide-react";
import { useState } from "react";
import { shortText, useLanguage, useTexts } from "../i18n";
import { useBlocked, useMe, usePerson, useWorld } from "../state/world";
import { useOpenDirect } from "../rooms/open-direct";
import { PeoplePicker } from "../rooms/people-picker";
import { Avatar } from "../ui/avatar";
import { Button } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { type Action, Menu } from "../ui/menu";
import { part } from "../ui/part";
import { say, useAct } from "../ui/toasts";
import type { Imposing } from "./restrict-dialog";

const RestrictDialog = part(() => import("./restrict-dialog").then((module) => module.default));

const RANK: Readonly<Record<Role, number>> = { guest: -1, member: 0, moderator: 1, owner: 2 };

export function MembersList({ room, members }: { room: Room; members: readonly Member[] }) {
  const texts = useTexts();
  const { users } = usePresence(room.id);
  const [isAdding, setIsAdding] = useState(false);
  const here = new Set(users?.map(({ id }) => id));
  const canAdd = room.kind !== "direct" && RANK[room.role ?? "member"] >= RANK.moderator;
  const rest = room.members - members.length;
  return (
    <>
      {canAdd && (
        <Button className="wide" onClick={() => setIsAdding(true)}>
          <UserPlus aria-hidden="true" />
          {texts.addPeople}
        </Button>
      )}
      <ul className="pick-list" aria-label={texts.membersTitle}>
        {members.map((member) => (
          <MemberRow key={member.user.id} room={room} member={member} isHere={here.has(member.user.id)} />
        ))}
      </ul>
      {rest > 0 && <p className="hint">+{rest.toLocaleString()}</p>}
      <Dialog open={isAdding} onClose={() => setIsAdding(false)} title={texts.addPeople}>
        <AddPeople room={room} members={members} />
      </Dialog>
    </>
  );
}

function AddPeople({ room, members }: { room: Room; members: readonly Member[] }) {
  const texts = useTexts();
  const client = useClient();
  const act = useAct();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const add = async (person: Account) => {
    const { invited } = await client.rest.putMember(room.id, person.id);
    setPicked((before) => new Set(before).add(person.id));
    say(invited ? texts.invited(person.name) : texts.added(person.name));
  };
  return (
    <div className="dialog-body">
      <PeoplePicker
        picked={picked}
        isFirst
        without={new Set(members.map(({ user }) => user.id).filter((id) => !picked.has(id)))}
        onPick={(person) => picked.has(person.id) || void act(() => add(person)).catch(() => {})}
      />
    </div>
  );
}

type Asking = "remove" | "owner" | "block" | null;

function MemberRow({ room, member, isHere }: { room: Room; member: Member; isHere: boolean }) {
  const texts = useTexts();
  const client = useClient();
  const world = useWorld();
  const act = useAct();
  const me = useMe();
  const blocked = useBlocked();
  const openDirect = useOpenDirect();
  const person = usePerson(member.user);
  const language = useLanguage();
  const { status, lastSeen } = usePersonState(person.id, member, isHere);
  const [asking, setAsking] = useState<Asking>(null);
  const [imposing, setImposing] = useState<Imposing | null>(null);
  const close = () => setAsking(null);
  const isMe = person.id === me.id;
  const isBlocked = blocked.has(person.id);
  const mine = RANK[room.role ?? "member"];
  const isDirect = room.kind === "direct";
  const setRole = (role: Role) => act(() => client.rest.putMember(room.id, person.id, role));

  const actions: Action[] = [];
  if (!isMe) {
    if (!isDirect && !isBlocked) {
      const run = () => void act(() => openDirect(person)).catch(() => {});
      actions.push({ name: "direct", label: texts.message, icon: MessageCircle, run });
    }
    if (room.role === "owner" && !isDirect && member.role !== "owner") {
      const next = member.role === "member" ? "moderator" : "member";
      const label = next === "moderator" ? texts.makeModerator : texts.makeMember;
      const icon = next === "moderator" ? ShieldCheck : User;
      actions.push({ name: "role", label, icon, run: () => void setRole(next).catch(() => {}) });
      actions.push({ name: "owner", label: texts.makeOwner, icon: Crown, run: () => setAsking("owner") });
    }
    if (isBlocked) {
      const run = () => void act(() => world.unblock(person.id)).catch(() => {});
      actions.push({ name: "unblock", label: texts.unblock, icon: Ban, run });
    } else {
      actions.push({ name: "block", label: texts.block, icon: Ban, danger: true, run: () => setAsking("block") });
    }
    if (!isDirect && mine >= RANK.moderator && mine > RANK[member.role]) {
      const impose = (what: "ban" | "mute") => () =>
        setImposing({ what, room: room.id, user: person.id, name: person.name });
      if (member.muted_until === undefined) {
        actions.push({ name: "mute", label: texts.mute, icon: VolumeX, run: impose("mute") });
      } else {
        const unmute = async () => {
          const { Rooms } = await import("@madang/client/rooms");
          await new Rooms(client.rest).unmute(room.id, person.id);
        };
        actions.push({ name: "unmute", label: texts.unmute, icon: Volume2, run: () => void act(unmute).catch(() => {}) });
      }
      actions.push({ name: "ban", label: texts.ban, icon: UserX, danger: true, run: impose("ban") });
      actions.push({ name: "remove", label: texts.removeMember, icon: UserMinus, danger: true, run: () => setAsking("remove") });
    }
  }
  const role = { guest: texts.roleGuest, member: null, moderator: texts.roleModerator, owner: texts.roleOwner }[member.role];
  return (
    <li className="pick-row member">
      <Avatar id={person.id} name={person.name} url={person.avatar_url} size="small" present={isHere} />
      <span className="pick-text">
        <span className="member-line">
          <span className="pick-name">
            {person.name}
            {isMe && <span className="pick-note"> ({texts.you})</span>}
            {isHere && <span className="visually-hidden">, {texts.onlineNow}</span>}
          </span>
          {role !== null && !isDirect && <span className="tag">{role}</span>}
          {member.muted_until !== undefined && <span className="tag">{texts.mutedTag}</span>}
          {isBlocked && <span className="tag tag-danger">{texts.blockedTag}</span>}
        </span>
        <span className="pick-note">@{person.username}</span>
        {status && <span className="pick-note person-status">{status.text}</span>}
        {!isHere && lastSeen !== null && (
          <span className="pick-note">{texts.lastSeen(shortText(language, lastSeen))}</span>
        )}
      </span>
      {actions.length > 0 && (
        <Menu
          sections={[actions]}
          trigger={
            <button type="button" className="icon-button" aria-label={texts.memberActions(person.name)}>
              <Ellipsis />
            </button>
          }
        />
      )}
      {imposing && <RestrictDialog imposing={imposing} onClose={() => setImposing(null)} />}
      <Confirm
        open={asking === "remove"}
        onClose={close}
        title={texts.removeTitle(person.name)}
        text={texts.removeText}
        action={texts.remove}
        onConfirm={() => act(() => client.rest.removeMember(room.id, person.id))}
      />
      <Confirm
        open={asking === "owner"}
        onClose={close}
        title={texts.ownerTitle(person.name)}
        text={texts.ownerText}
        action={texts.makeOwner}
        danger={false}
        onConfirm={() => setRole("owner")}
      />
      <Confirm
        open={asking === "block"}
        onClose={close}
        title={texts.blockTitle(person.name)}
        text={texts.blockText}
        action={texts.block}
        onConfirm={() => act(() => world.block(person))}
      />
    </li>
  );
}
