// The texts of the chosen language, and dates and numbers as it writes them.
import { preferences } from "../state/preferences";
import { useValue } from "../state/value";
import { type Texts, en } from "./en";
import { ko } from "./ko";

export type { Texts } from "./en";

export const languages = { en, ko };
export type Language = keyof typeof languages;

/** That of the browser, once it was asked: each row of a list wants to know, and the browser is slow to say it. */
let ofBrowser: Language | null = null;
globalThis.addEventListener?.("languagechange", () => (ofBrowser = null));

/** The language to show: the chosen one, or the first one of the browser that is there. */
export function languageOf(chosen: Language | "system"): Language {
  return chosen === "system" ? (ofBrowser ??= askBrowser()) : chosen;
}

function askBrowser(): Language {
  for (const tag of navigator.languages) {
    const [code = ""] = tag.toLowerCase().split("-");
    if (code in languages) return code as Language;
  }
  return "en";
}

export function useLanguage(): Language {
  return languageOf(useValue(preferences).language);
}

export function useTexts(): Texts {
  return languages[useLanguage()];
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, options: Intl.DateTimeFormatOptions, name = JSON.stringify(options)): Intl.DateTimeFormat {
  const known = formats.get(language + name);
  if (known) return known;
  const made = new Intl.DateTimeFormat(language, options);
  formats.set(language + name, made);
  return made;
}

const TIME: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit" };
const MOMENT: Intl.DateTimeFormatOptions = { dateStyle: "full", timeStyle: "short" };

/** A time of day. */
export function timeText(language: Language, at: string): string {
  return format(language, TIME, "time").format(new Date(at));
}

/** A date with its time, in full. */
export function momentText(language: Language, at: string): string {
  return format(language, MOMENT, "moment").format(new Date(at));
}

const UNITS = ["B", "KB", "MB", "GB"] as const;

/** The size of a file. */
export function sizeText(language: Language, bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: power === 0 ? 0 : 1 });
  return `${number.format(bytes / 1000 ** power)} ${UNITS[power]}`;
}

const startOfDay = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** How many days ago it was, by the calendar. */
export function daysAgo(at: string, now = new Date()): number {
  return Math.round((startOfDay(now).getTime() - startOfDay(new Date(at)).getTime()) / 86_400_000);
}

/** A day, as the heading of its messages. */
export function dayText(language: Language, at: string): string {
  const days = daysAgo(at);
  if (days === 0) return languages[language].today;
  if (days === 1) return languages[language].yesterday;
  const sameYear = new Date(at).getFullYear() === new Date().getFullYear();
  return format(language, {
    weekday: "long",
    month: "long",
    day: "numeric",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(new Date(at));
}

/** A day or, today, a time of day: for what is to come, too. */
export function shortDateText(language: Language, at: string): string {
  if (daysAgo(at) === 0) return timeText(language, at);
  const sameYear = new Date(at).getFullYear() === new Date().getFullYear();
  return format(language, { month: "short", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) }).format(new Date(at));
}

/** When it was, in the space of a word. */
export function shortText(language: Language, at: string): string {
  const days = daysAgo(at);
  if (days === 0) return timeText(language, at);
  if (days === 1) return languages[language].yesterday;
  if (days < 7) return format(language, { weekday: "short" }).format(new Date(at));
  return format(language, { month: "short", day: "numeric" }).format(new Date(at));
}
