import type { ShownEvent } from "@madang/react";
import { useEffect } from "react";
import { useLanguage, useTexts } from "../i18n";
import { useWorld } from "../state/world";
import { type Names, eventsText, peopleOf } from "./event-text";

/** What has happened between messages. Of whom no name is known, as of somebody who is no member any more, is asked. */
export function EventLine({ events, nameOf, isKnown }: { events: readonly ShownEvent[]; nameOf: Names; isKnown: boolean }) {
  const texts = useTexts();
  const language = useLanguage();
  const world = useWorld();
  const told = events.map(({ event }) => event);
  const unnamed = isKnown ? told.flatMap(peopleOf).filter((user) => nameOf(user) === texts.somebody).join(" ") : "";
  useEffect(() => {
    if (unnamed !== "") world.know(unnamed.split(" "));
  }, [world, unnamed]);
  return <p className="event">{eventsText(texts, language, told, nameOf)}</p>;
}
