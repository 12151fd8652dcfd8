import { languages, useTexts } from "../i18n";
import { prefer, preferences } from "../state/preferences";
import { useValue } from "../state/value";
import { Choices } from "../ui/field";

export function Appearance() {
  const texts = useTexts();
  const { theme, language } = useValue(preferences);
  return (
    <div className="settings-form">
      <Choices
        label={texts.theme}
        value={theme}
        onChange={(next) => prefer({ theme: next })}
        choices={[
          { value: "system", label: texts.themeSystem },
          { value: "light", label: texts.themeLight },
          { value: "dark", label: texts.themeDark },
        ]}
      />
      <Choices
        label={texts.languageTitle}
        value={language}
        onChange={(next) => prefer({ language: next })}
        choices={[
          { value: "system", label: texts.themeSystem },
          { value: "en", label: languages.en.language },
          { value: "ko", label: languages.ko.language },
        ]}
      />
    </div>
  );
}
