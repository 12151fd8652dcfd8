import { useTexts } from "../i18n";
import { switchKeys } from "../state/keys";

export function Keyboard() {
  const texts = useTexts();
  const keys: readonly (readonly [string, readonly string[]])[] = [
    [texts.keySwitch, [switchKeys]],
    [texts.keyPrevious, ["Alt ↑", "Alt ↓"]],
    [texts.keySend, ["Enter"]],
    [texts.keyNewline, ["Shift Enter"]],
    [texts.keyMention, ["@"]],
    [texts.keyEdit, ["↑"]],
    [texts.keyMessages, ["Page Up"]],
    [texts.keyActions, ["Enter"]],
    [texts.keyBack, ["Esc"]],
  ];
  return (
    <dl className="keys">
      {keys.map(([text, names]) => (
        <div key={text}>
          <dt>{text}</dt>
          <dd>
            {names.map((name) => (
              <kbd key={name}>{name}</kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
