// Theme and language of the document itself.
import { languageOf } from "../i18n";
import { preferences } from "./preferences";

export function applyPreferences(): void {
  const apply = () => {
    const { theme, language } = preferences.get();
    const { documentElement } = document;
    if (theme === "system") delete documentElement.dataset["theme"];
    else documentElement.dataset["theme"] = theme;
    documentElement.lang = languageOf(language);
  };
  apply();
  preferences.subscribe(apply);
}
