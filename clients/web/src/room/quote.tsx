import type { Message } from "@madang/client";
import { CornerUpLeft } from "lucide-react";
import { useTexts } from "../i18n";
import { useBlocked, useMe, usePerson } from "../state/world";
import type { MessageContext } from "./message-row";

/** The message to which another one replies, in a line. Further back than what is loaded, the reply itself says it. */
export function Quote({ id, excerpt, context }: { id: string; excerpt: Message["excerpt"]; context: MessageContext }) {
  const texts = useTexts();
  const me = useMe();
  const blocked = useBlocked();
  const near = context.find(id)?.message;
  const quoted = near ?? excerpt;
  const sender = usePerson(quoted?.sender ?? me);
  if (!quoted) return <p className="quote">{texts.replyGone}</p>;
  const text = blocked.has(sender.id) ? texts.hiddenMessage : near?.deleted ? texts.deletedMessage : quoted.text;
  return (
    <button type="button" className="quote" tabIndex={-1} onClick={() => context.goTo(Number(id))}>
      <CornerUpLeft aria-hidden="true" />
      <span className="quote-sender">{sender.name}</span>
      <span className="quote-text">{text}</span>
    </button>
  );
}
