// What the user has chosen for this browser: theme and language.
import { Value } from "./value";

export interface Preferences {
  readonly theme: "system" | "light" | "dark";
  readonly language: "system" | "en" | "ko";
}

const KEY = "madang:preferences";
const DEFAULTS: Preferences = { theme: "system", language: "system" };

function kept(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>) };
  } catch {
    // What cannot be read counts as nothing, as where the browser keeps nothing.
    return DEFAULTS;
  }
}

export const preferences = new Value<Preferences>(kept());

export function prefer(change: Partial<Preferences>): void {
  preferences.set({ ...preferences.get(), ...change });
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.get()));
  } catch {
    // It holds until the page is left.
  }
}

/** Another tab has chosen. */
window.addEventListener("storage", ({ key }) => {
  if (key === KEY) preferences.set(kept());
});
