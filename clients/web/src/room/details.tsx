import { Tabs } from "@base-ui/react/tabs";
import type { Member, Room, RoomMessage } from "@madang/client";
import { X } from "lucide-react";
import { useTexts } from "../i18n";
import { IconButton } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { MembersList } from "./members-list";
import { PinsList } from "./pins-list";

export type DetailsTab = "members" | "pins";

interface Props {
  room: Room;
  members: readonly Member[];
  pins: readonly RoomMessage[] | null;
  canPin: boolean;
  onGo: (seq: number) => void;
}

export interface DetailsProps extends Props {
  tab: DetailsTab | null;
  onTab: (tab: DetailsTab | null) => void;
  isBeside: boolean;
}

/** Who is in a room and what is pinned: beside the room where there is space, over it where there is none. */
export function Details({
  tab,
  onTab,
  isBeside,
  ...props
}: DetailsProps) {
  const texts = useTexts();
  const close = () => onTab(null);
  const tabs = tab && (
    <Tabs.Root value={tab} onValueChange={(next) => onTab(next as DetailsTab)} className="details-tabs">
      <div className="details-head">
        <Tabs.List className="tabs">
          <Tabs.Tab value="members" className="tab">
            {texts.membersTitle}
          </Tabs.Tab>
          <Tabs.Tab value="pins" className="tab">
            {texts.pins}
          </Tabs.Tab>
        </Tabs.List>
        {isBeside && (
          <IconButton label={texts.close} onClick={close}>
            <X />
          </IconButton>
        )}
      </div>
      <Tabs.Panel value="members" className="details-panel">
        <MembersList room={props.room} members={props.members} />
      </Tabs.Panel>
      <Tabs.Panel value="pins" className="details-panel">
        <PinsList {...props} />
      </Tabs.Panel>
    </Tabs.Root>
  );
  if (!isBeside) {
    return (
      <Dialog open={tab !== null} onClose={close} title={texts.details} className="dialog-sheet">
        {tabs}
      </Dialog>
    );
  }
  return (
    tab && (
      <aside className="details" aria-label={texts.details} onKeyDown={(event) => event.key === "Escape" && close()}>
        {tabs}
      </aside>
    )
  );
}
