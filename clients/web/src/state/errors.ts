// What a refusal means to the user.
import { MadangError } from "@madang/client";
import { type Texts, useLanguage, useTexts } from "../i18n";

/** `words` says it where a code means more than elsewhere. */
export function errorText(texts: Texts, thrown: unknown, words: Partial<Record<MadangError["code"], string>> = {}): string {
  if (!(thrown instanceof MadangError)) return texts.errorInternal;
  const own = words[thrown.code];
  if (own !== undefined) return own;
  switch (thrown.code) {
    case "invalid_argument":
    case "too_large":
      return texts.errorInvalid;
    case "permission_denied":
      return texts.errorPermission;
    case "not_found":
      return texts.errorNotFound;
    case "already_exists":
      return texts.errorExists;
    case "failed_precondition":
      return texts.errorState;
    case "rate_limited": {
      const seconds = Math.ceil((thrown.retryAfterMs ?? 0) / 1_000);
      return seconds > 1 ? texts.errorRate(seconds) : texts.errorRateSoon;
    }
    case "unavailable":
    case "deadline_exceeded":
      return texts.errorUnavailable;
    case "unauthenticated":
      return texts.sessionEnded;
    case "internal":
      return texts.errorInternal;
  }
}

/** What is wrong with a field of the body, by its name. The server says it in English, and more exactly. */
export function useFieldError(): (thrown: unknown, field: keyof Texts["wrongField"]) => string | undefined {
  const texts = useTexts();
  const language = useLanguage();
  return (thrown, field) => {
    if (!(thrown instanceof MadangError)) return undefined;
    const detail = thrown.errors.find(({ pointer }) => pointer === `/${field}`)?.detail;
    if (detail === undefined || detail === "") return detail;
    return language === "en" ? `${detail[0]?.toUpperCase()}${detail.slice(1)}.` : texts.wrongField[field];
  };
}
