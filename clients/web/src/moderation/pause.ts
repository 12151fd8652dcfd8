// The pause of slow mode, in words. No React.
import type { Texts } from "../i18n";

const MINUTE_S = 60;
const HOUR_S = 3_600;

/** Those that are offered, in seconds; the longest one is the longest that there is. */
export const PAUSES_S = [0, 5, 15, 30, 60, 300, 900, 3_600, 21_600];

export function pauseText(texts: Texts, seconds: number): string {
  if (seconds === 0) return texts.noPause;
  if (seconds % HOUR_S === 0) return texts.hours(seconds / HOUR_S);
  if (seconds % MINUTE_S === 0) return texts.minutes(seconds / MINUTE_S);
  return texts.seconds(seconds);
}
