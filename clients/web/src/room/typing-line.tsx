import { useTyping } from "@madang/react/typing";
import { useTexts } from "../i18n";
import { useBlocked } from "../state/world";

export function TypingLine({ room }: { room: string }) {
  const texts = useTexts();
  const blocked = useBlocked();
  const { typing } = useTyping(room);
  const [one, other, ...more] = typing.filter(({ id }) => !blocked.has(id));
  const text = !one
    ? ""
    : !other
      ? texts.typingOne(one.name)
      : more.length === 0
        ? texts.typingTwo(one.name, other.name)
        : texts.typingMany(2 + more.length);
  return (
    <p className="typing" data-shown={text !== ""}>
      {text !== "" && (
        <>
          <span className="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {text}
        </>
      )}
    </p>
  );
}
